using System.Globalization;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <content>Pools that are made and deleted. Their settings are those of <see cref="SimulatedPoolOptions"/>: <c>capacity</c>, <c>thin</c>, <c>node</c>.</content>
internal sealed partial class StorageService : IStoragePools
{
    public Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A pool needs a name.", nameof(spec));
        cancellationToken.ThrowIfCancellationRequested();
        var name = spec.Name;
        var settings = spec.Settings.ToDictionary(static setting => setting.Key.ToLowerInvariant(), static setting => setting.Value, StringComparer.Ordinal);
        return World.Calls.EnterAsync(client, WorkKinds.CreatePool, name.ToString(), () => Calls.CallText.Of(World, request, string.Join(' ', settings.Select(static setting => $"{setting.Key}={(setting.Value.TryGetText(out string? text) ? Uri.EscapeDataString(text) : "[secret]")}"))), () =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<StoragePool>(requestId, WorkKinds.CreatePool) is { } again)
                return Task.FromResult(again);
            var options = Read(settings);
            if (World.Pools.ContainsKey(name.ToString()))
                throw World.Refused(ErrorCode.AlreadyExists, $"There is a pool '{name}' already.");
            var pool = new SimPool(name, options);
            World.Pools.Add(pool.Text, pool);
            return Task.FromResult(World.Works.Begin<StoragePool>(WorkKinds.CreatePool, request, requestId, static _ => { }, async work =>
            {
                await work.Take(World.Draw(World.Options.Durations.Volume, "volume"), "making the pool");
                return ViewOf(pool);
            }));
        });
    }

    public Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(name));
        cancellationToken.ThrowIfCancellationRequested();
        return World.Calls.EnterAsync(client, WorkKinds.DeletePool, name.ToString(), () => Calls.CallText.Of(World, request, null), () =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<bool>(requestId, WorkKinds.DeletePool) is { } again)
                return Task.FromResult<Operation>(again);
            var pool = World.Pools.GetValueOrDefault(name.ToString()) ?? throw World.Refused(ErrorCode.NotFound, $"There is no pool '{name}'.");
            if (World.Volumes.Values.Count(volume => volume.Pool == pool) is > 0 and var held)
                throw World.Refused(ErrorCode.InvalidState, $"The pool '{name}' holds {held} volumes: delete them first.");
            World.Pools.Remove(pool.Text);
            return Task.FromResult<Operation>(World.Works.Begin<bool>(WorkKinds.DeletePool, request, requestId, static _ => { }, async work =>
            {
                await work.Take(World.Draw(World.Options.Durations.Volume, "volume"), "deleting the pool");
                return true;
            }));
        });
    }

    private SimulatedPoolOptions Read(Dictionary<string, SecretOrText> settings)
    {
        var options = new SimulatedPoolOptions();
        foreach (var (key, value) in settings)
        {
            string field = $"settings.{key}";
            if (!value.TryGetText(out string? text))
                throw World.Invalid(field, "a simulated pool has no secrets");
            switch (key)
            {
                case "capacity" when ByteSize.TryParse(text, CultureInfo.InvariantCulture, out var capacity) && capacity > ByteSize.Zero:
                    options.Capacity = capacity;
                    break;
                case "thin" when bool.TryParse(text, out bool thin):
                    options.Thin = thin;
                    break;
                case "node" when NodeName.TryParse(text, CultureInfo.InvariantCulture, out var node) && World.Nodes.ContainsKey(text):
                    options.Node = node;
                    break;
                case "capacity" or "thin" or "node":
                    throw World.Invalid(field, key switch { "capacity" => "a size such as 10TiB", "thin" => "true or false", _ => "a node of the data centre" });
                default:
                    throw World.Invalid(field, "a simulated pool has the settings capacity, thin, node");
            }
        }

        return options;
    }
}
