using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Qemu.Hosts;

/// <summary>What comes along to another host of <see cref="QemuOptions"/>. Secrets do not: they are asked for.</summary>
internal sealed record QemuHostSettings
{
    public required string StateDirectory { get; init; }

    public string? RuntimeDirectory { get; init; }

    public required string QemuSystem { get; init; }

    public required IReadOnlyList<QemuArchitecture> Architectures { get; init; }

    public required string QemuImg { get; init; }

    public required string Swtpm { get; init; }

    public required IReadOnlyList<string> FirmwareDirectories { get; init; }

    public QemuAccelerator Accelerator { get; init; }

    public string? RunAsUser { get; init; }

    public required IReadOnlyList<string> ImageDirectories { get; init; }

    public IReadOnlyList<string>? AttachDirectories { get; init; }

    public bool HasSecrets { get; init; }

    public bool HasBackends { get; init; }

    public bool LimitResources { get; init; }

    public long ConsoleLogLimitBytes { get; init; }

    public TimeSpan DefaultDeadline { get; init; }

    public TimeSpan StartTimeout { get; init; }

    public TimeSpan KeyDerivationTime { get; init; }

    public string? ExportTlsDirectory { get; init; }

    public string? MigrationAddress { get; init; }

    public string? MigrationTlsDirectory { get; init; }

    public string? MigrationTlsHostName { get; init; }

    public bool MigrationAllowUnencrypted { get; init; }

    public int MigrationChannels { get; init; } = 1;

    public static byte[] Write(QemuOptions options) => JsonSerializer.SerializeToUtf8Bytes(
        new QemuHostSettings
        {
            StateDirectory = options.StateDirectory, RuntimeDirectory = options.RuntimeDirectory, QemuSystem = options.QemuSystem, Architectures = [.. options.Architectures], QemuImg = options.QemuImg, Swtpm = options.Swtpm,
            FirmwareDirectories = [.. options.FirmwareDirectories], Accelerator = options.Accelerator, RunAsUser = options.RunAsUser, ImageDirectories = [.. options.ImageDirectories],
            AttachDirectories = options.AttachDirectories is { } attach ? [.. attach] : null, HasSecrets = options.Secrets is not null, HasBackends = options.FindBackend is not null, LimitResources = options.LimitResources, ConsoleLogLimitBytes = options.ConsoleLogLimit.Bytes,
            DefaultDeadline = options.DefaultDeadline, StartTimeout = options.StartTimeout, MigrationAddress = options.Migration.Address?.ToString(), MigrationTlsDirectory = options.Migration.TlsDirectory,
            KeyDerivationTime = options.KeyDerivationTime, ExportTlsDirectory = options.ExportTlsDirectory,
            MigrationTlsHostName = options.Migration.TlsHostName, MigrationAllowUnencrypted = options.Migration.AllowUnencrypted, MigrationChannels = options.Migration.Channels,
        },
        QemuHostJson.Default.QemuHostSettings);

    /// <exception cref="ArgumentException">They are no settings.</exception>
    public static QemuOptions Read(BackendName name, ReadOnlySpan<byte> json, ISecretProvider secrets, Func<BackendName, CancellationToken, ValueTask<IBackend>>? findBackend)
    {
        QemuHostSettings settings;
        try
        {
            settings = JsonSerializer.Deserialize(json, QemuHostJson.Default.QemuHostSettings) ?? throw new JsonException("They are null.");
        }
        catch (JsonException error)
        {
            throw new ArgumentException($"The settings cannot be read: {error.Message}", nameof(json), error);
        }

        var options = new QemuOptions
        {
            Name = name.ToString(), StateDirectory = settings.StateDirectory, RuntimeDirectory = settings.RuntimeDirectory, QemuSystem = settings.QemuSystem, QemuImg = settings.QemuImg, Swtpm = settings.Swtpm,
            Accelerator = settings.Accelerator, RunAsUser = settings.RunAsUser, AttachDirectories = settings.AttachDirectories is { } attach ? [.. attach] : null, Secrets = settings.HasSecrets ? secrets : null, FindBackend = settings.HasBackends ? findBackend : null,
            LimitResources = settings.LimitResources, ConsoleLogLimit = new ByteSize(settings.ConsoleLogLimitBytes), DefaultDeadline = settings.DefaultDeadline, StartTimeout = settings.StartTimeout,
            KeyDerivationTime = settings.KeyDerivationTime, ExportTlsDirectory = settings.ExportTlsDirectory,
            Migration = new QemuMigrationOptions
            {
                Address = settings.MigrationAddress is { } address ? IPAddress.Parse(address) : null, TlsDirectory = settings.MigrationTlsDirectory, TlsHostName = settings.MigrationTlsHostName,
                AllowUnencrypted = settings.MigrationAllowUnencrypted, Channels = settings.MigrationChannels,
            },
        };
        foreach (var architecture in settings.Architectures)
            options.Architectures.Add(architecture);
        foreach (string directory in settings.FirmwareDirectories)
            options.FirmwareDirectories.Add(directory);
        foreach (string directory in settings.ImageDirectories)
            options.ImageDirectories.Add(directory);
        return options;
    }
}

/// <summary>How they are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(QemuHostSettings))]
internal sealed partial class QemuHostJson : JsonSerializerContext;
