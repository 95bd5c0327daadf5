using System.Globalization;

namespace Hypervisor.Sdk.Lxd;

/// <summary>Connects backends of the kind <c>lxd</c>: settings <c>server</c>, <c>project</c>, <c>pinnedSha256</c>, <c>defaultDeadline</c>.</summary>
internal class LxdBackendFactory : IBackendFactory
{
    public virtual string Kind => LxdBackend.LxdKind;

    public static LxdBackendOptions DefaultsOf(string kind)
    {
        var options = new LxdBackendOptions { Kind = kind };
        if (kind == LxdBackend.IncusKind)
            options.Connection.Server = LxdOptions.IncusSocket;
        else if (File.Exists(LxdOptions.LxdSocket))
            options.Connection.Server = LxdOptions.LxdSocket;
        else
            options.Connection.Server = LxdOptions.LxdSnapSocket;
        return options;
    }

    public async Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var options = DefaultsOf(Kind);
        options.Name = definition.Name.ToString();
        foreach (var (setting, value) in definition.Settings)
        {
            if (!value.TryGetText(out string? text))
                throw Refused(setting, "it is a secret, and these settings have none");
            Set(options, setting, text);
        }

        try
        {
            options.Validated();
        }
        catch (ArgumentException error)
        {
            throw new HypervisorException($"The settings of the backend '{definition.Name}' are not acceptable: {error.Message}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error) { Backend = definition.Name };
        }

        return await LxdBackend.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
    }

    private static void Set(LxdBackendOptions options, string setting, string text)
    {
        switch (setting.ToUpperInvariant())
        {
            case "SERVER":
                options.Connection.Server = text;
                break;
            case "PROJECT":
                options.Connection.Project = text;
                break;
            case "PINNEDSHA256":
                options.Connection.PinnedSha256.Add(text);
                break;
            case "DEFAULTDEADLINE":
                options.DefaultDeadline = TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : throw Refused(setting, $"'{text}' is not a time like 00:05:00");
                break;
            default:
                throw Refused(setting, "there is no such setting");
        }
    }

    private static HypervisorException Refused(string setting, string why) =>
        new($"The setting '{setting}' of a backend of LXD or Incus is not acceptable: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [setting] = why } };
}
