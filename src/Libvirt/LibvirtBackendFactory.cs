using System.Globalization;
using System.Text.Json;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>Connects backends of the kind <c>libvirt</c>: settings <c>uri</c>, <c>domainType</c>, <c>pool</c>, <c>firstContainerId</c>, <c>defaultDeadline</c>, <c>maxClientRequests</c>.</summary>
internal sealed class LibvirtBackendFactory : IBackendFactory
{
    public string Kind => LibvirtBackend.Kind;

    public async Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var options = new LibvirtBackendOptions { Name = definition.Name.ToString(), Uri = "" };
        foreach (var (setting, value) in definition.Settings)
        {
            if (!value.TryGetText(out string? text))
                throw Refused(setting, "it is a secret, and libvirt's settings have none");
            Set(options, setting, text);
        }

        try
        {
            options.Validated();
        }
        catch (ArgumentException error)
        {
            string setting = JsonNamingPolicy.CamelCase.ConvertName(error.ParamName ?? "settings");
            throw new HypervisorException($"The settings of the backend '{definition.Name}' are not acceptable: {error.Message}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error)
            {
                Backend = definition.Name, FieldErrors = new Dictionary<string, string> { [setting] = error.Message },
            };
        }

        return await LibvirtBackend.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
    }

    private static void Set(LibvirtBackendOptions options, string setting, string text)
    {
        switch (setting.ToUpperInvariant())
        {
            case "URI":
                options.Uri = text;
                break;
            case "DOMAINTYPE":
                options.DomainType = text;
                break;
            case "POOL":
                options.Pool = PoolName.TryParse(text, null, out var pool) ? pool : throw Refused(setting, $"'{text}' is no pool's name");
                break;
            case "FIRSTCONTAINERID":
                options.FirstContainerId = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int first) ? first : throw Refused(setting, $"'{text}' is not a number");
                break;
            case "DEFAULTDEADLINE":
                options.DefaultDeadline = TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : throw Refused(setting, $"'{text}' is not a time like 00:05:00");
                break;
            case "MAXCLIENTREQUESTS":
                options.Connection.MaxClientRequests = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw Refused(setting, $"'{text}' is not a number");
                break;
            default:
                throw Refused(setting, "there is no such setting");
        }
    }

    private static HypervisorException Refused(string setting, string why) =>
        new($"The setting '{setting}' of a libvirt backend is not acceptable: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [setting] = why } };
}
