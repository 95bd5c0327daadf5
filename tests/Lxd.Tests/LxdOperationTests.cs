using System.Reflection;
using Hypervisor.Sdk.Lxd.Tests.Lab;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Tests;

/// <summary>
/// Every operation is asked of a real server. What is read is asked of things that are there; what changes something is asked of things that are not, so that most of it is refused: the tests of
/// what it does are elsewhere.
/// </summary>
[Peer("lxd")]
public sealed class LxdOperationTests(LxdLab lab)
{
    /// <summary>What ends a server when it is asked with nothing in it.</summary>
    private static readonly string[] s_deadly = ["ClusterPut", "ClusteringUpdateCert"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData(ServerKind.Lxd)]
    [InlineData(ServerKind.Incus)]
    public async Task Every_operation_is_answered(ServerKind kind)
    {
        await using var server = await lab.StartOwnAsync(kind);
        await using var client = await server.ConnectAsync();
        await MakeThingsAsync(client, server);
        var errors = new List<string>();
        int answered = 0;
        var own = client.Answered!;
        client.Answered = (operation, isError) =>
        {
            answered++;
            own(operation, isError);
        };
        foreach (var operation in LxdApi.All.Where(operation => kind == ServerKind.Incus || !operation.IsIncusOnly).Where(operation => !s_deadly.Contains(operation.Name)).OrderBy(operation => operation.Method != HttpMethod.Get))
        {
            bool reads = operation.Method == HttpMethod.Get || operation.Method == HttpMethod.Head;
            int before = answered;
            try
            {
                await AskAsync(client, operation, reads, server.Image);
            }
            catch (BackendProtocolException error)
            {
                errors.Add(error.Message);
            }
            catch (HypervisorException)
            {
                // The server's no is an answer. What matters is that there is one.
            }

            if (answered == before)
                errors.Add($"{operation} was not answered.");
        }

        Assert.True(errors.Count == 0, string.Join('\n', errors));
    }

    private static async Task MakeThingsAsync(LxdClient client, PrivateServer server)
    {
        await DoneAsync(client, await client.InstancesPostAsync(new LxdInstancesPost { Name = "swept", Source = new LxdInstanceSource { Type = "image", Fingerprint = server.Image } }, cancellationToken: Token));
        await DoneAsync(client, await client.InstanceSnapshotsPostAsync("swept", new LxdInstanceSnapshotsPost { Name = "swept" }, cancellationToken: Token));
        await DoneAsync(client, await client.InstanceBackupsPostAsync("swept", new LxdInstanceBackupsPost { Name = "swept" }, cancellationToken: Token));
        await client.NetworksPostAsync(new LxdNetworksPost { Name = "swept", Type = "bridge", Config = new Dictionary<string, string> { ["ipv4.address"] = "10.78.0.1/24", ["ipv6.address"] = "none" } }, cancellationToken: Token);
        await client.NetworkAclsPostAsync(new LxdNetworkAclsPost { Name = "swept" }, cancellationToken: Token);
        await client.NetworkForwardsPostAsync("swept", new LxdNetworkForwardsPost { ListenAddress = "192.0.2.1" }, cancellationToken: Token);
        await client.NetworkZonesPostAsync(new LxdNetworkZonesPost { Name = "swept" }, cancellationToken: Token);
        await client.StoragePoolVolumesPostAsync("default", new LxdStorageVolumesPost { Name = "swept", Type = "custom" }, cancellationToken: Token);
        await client.ProjectsPostAsync(new LxdProjectsPost { Name = "swept" }, cancellationToken: Token);
    }

    private static async Task DoneAsync(LxdClient client, LxdOperation operation) => await client.WaitAsync(operation.Id!, "preparing", Token);

    private static async Task AskAsync(LxdClient client, LxdApiOperation operation, bool reads, string image)
    {
        var methods = typeof(LxdClient).GetMethods().Where(method => method.Name == operation.Name + "Async").ToList();
        foreach (var method in methods)
        {
            object? task;
            try
            {
                task = method.Invoke(client, [.. method.GetParameters().Select(parameter => Argument(parameter, operation, reads, image))]);
            }
            catch (TargetInvocationException error)
            {
                throw new InvalidOperationException($"{operation}: {error.InnerException!.Message}", error.InnerException);
            }

            await (Task)task!;
            switch (task.GetType().GetProperty("Result")?.GetValue(task))
            {
                case HttpResponse response:
                    await response.DisposeAsync();
                    break;
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync();
                    break;
            }
        }
    }

    private static object? Argument(ParameterInfo parameter, LxdApiOperation operation, bool reads, string image)
    {
        if (parameter.ParameterType == typeof(CancellationToken))
            return Token;
        if (parameter.ParameterType == typeof(LxdCall))
            return operation.Inputs.Contains("path") && operation.Target.EndsWith("/files", StringComparison.Ordinal) ? new LxdCall { Path = "/etc/passwd" } : null;
        if (parameter.ParameterType == typeof(string))
            return !reads ? "nothing" : ThingOf(parameter.Name!, operation.Target, image);
        if (parameter.ParameterType == typeof(HttpRequestBody))
            return HttpRequestBody.FromBytes("nothing"u8.ToArray(), "application/octet-stream");

        // Of an image without a source both servers make a fault of their own, and no answer.
        return parameter.ParameterType == typeof(LxdImagesPost) ? new LxdImagesPost { Source = new LxdImagesPostSource { Type = "nothing" } } : Activator.CreateInstance(parameter.ParameterType);
    }

    private static string ThingOf(string parameter, string target, string image) => parameter switch
    {
        "fingerprint" => target.Contains("images", StringComparison.Ordinal) ? image : "nothing",
        "type" => "custom",
        "poolName" or "pool" => "default",
        "listenAddress" => "192.0.2.1",
        "name" when target.Contains("aliases", StringComparison.Ordinal) => "busybox",
        "name" when target.Contains("/profiles/", StringComparison.Ordinal) || target.Contains("/storage-pools/", StringComparison.Ordinal) => "default",
        "id" => Guid.NewGuid().ToString(),
        _ => "swept",
    };
}
