using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;

namespace Hypervisor.Sdk.Qemu;

/// <summary>Connects backends of the kind <c>qemu</c> whose settings are the properties of <see cref="QemuOptions"/> by name; lists are separated by ':' as in PATH.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuBackendFactory : IBackendFactory
{
    public string Kind => QemuBackend.Kind;

    public async Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var options = new QemuOptions { Name = definition.Name.ToString() };
        foreach (var (setting, value) in definition.Settings)
        {
            if (!value.TryGetText(out string? text))
                throw Refused(setting, "it is a secret, and QEMU has none");
            Set(options, setting, text);
        }

        try
        {
            options.Validated();
        }
        catch (ArgumentException error)
        {
            string setting = definition.Settings.Keys.FirstOrDefault(key => string.Equals(key, error.ParamName, StringComparison.OrdinalIgnoreCase)) ?? JsonNamingPolicy.CamelCase.ConvertName(error.ParamName ?? "settings");
            throw new HypervisorException($"The settings of the backend '{definition.Name}' are not acceptable: {error.Message}", ErrorCode.InvalidArgument, RequestOutcome.NotSent, error)
            {
                Backend = definition.Name, FieldErrors = new Dictionary<string, string> { [setting] = error.Message },
            };
        }

        return await QemuBackend.OpenAsync(options, cancellationToken).ConfigureAwait(false);
    }

    private static void Set(QemuOptions options, string setting, string text)
    {
        switch (setting.ToUpperInvariant())
        {
            case "HOST":
                options.Host = text;
                break;
            case "HOSTPROGRAM":
                options.HostProgram = text;
                break;
            case "STATEDIRECTORY":
                options.StateDirectory = text;
                break;
            case "RUNTIMEDIRECTORY":
                options.RuntimeDirectory = text;
                break;
            case "QEMUSYSTEM":
                options.QemuSystem = text;
                break;
            case "QEMUIMG":
                options.QemuImg = text;
                break;
            case "FIRMWAREDIRECTORIES":
                Array.ForEach(text.Split(':', StringSplitOptions.RemoveEmptyEntries), options.FirmwareDirectories.Add);
                break;
            case "RUNASUSER":
                options.RunAsUser = text;
                break;
            case "ACCELERATOR":
                options.Accelerator = Enum.TryParse<QemuAccelerator>(text, ignoreCase: true, out var accelerator) && Enum.IsDefined(accelerator) ? accelerator : throw Refused(setting, $"'{text}' is not auto, kvm or tcg");
                break;
            case "IMAGEDIRECTORIES":
                Array.ForEach(text.Split(':', StringSplitOptions.RemoveEmptyEntries), options.ImageDirectories.Add);
                break;
            case "ATTACHDIRECTORIES":
                options.AttachDirectories = [.. text.Split(':', StringSplitOptions.RemoveEmptyEntries)];
                break;
            case "LIMITRESOURCES":
                options.LimitResources = bool.TryParse(text, out bool limit) ? limit : throw Refused(setting, $"'{text}' is not true or false");
                break;
            case "CONSOLELOGLIMIT":
                options.ConsoleLogLimit = ByteSize.TryParse(text, CultureInfo.InvariantCulture, out var size) ? size : throw Refused(setting, $"'{text}' is not a size like 16MiB");
                break;
            case "DEFAULTDEADLINE":
                options.DefaultDeadline = ReadTime(setting, text);
                break;
            case "STARTTIMEOUT":
                options.StartTimeout = ReadTime(setting, text);
                break;
            default:
                throw Refused(setting, "there is no such setting");
        }
    }

    private static TimeSpan ReadTime(string setting, string text) =>
        TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : throw Refused(setting, $"'{text}' is not a time like 00:05:00");

    private static HypervisorException Refused(string setting, string why) =>
        new($"The setting '{setting}' of a QEMU backend is not acceptable: {why}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent) { FieldErrors = new Dictionary<string, string> { [setting] = why } };
}
