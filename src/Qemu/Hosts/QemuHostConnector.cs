using System.Runtime.Versioning;
using Hypervisor.Sdk.Hosts;
using Hypervisor.Sdk.Remote;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Hosts;

/// <summary>Connects to the backend that the program holds on another host: over the standard streams of one program of one ssh session, made anew for each connection.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuHostConnector : IAsyncDisposable
{
    private readonly QemuOptions _options;
    private readonly SshAddress _address;
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private SshHostSession? _session;
    private QemuHostProgram? _program;

    private QemuHostConnector(QemuOptions options)
    {
        _options = options;
        _address = SshAddress.Parse(options.Host!);
    }

    /// <summary>The form of the model with what the driver adds.</summary>
    public static ModelJson Json { get; } = new(new ModelJsonOptions().AddSpecExtension(QemuBackend.Kind, QemuMachineJson.Default.QemuMachine));

    /// <summary>Connects.</summary>
    /// <param name="options">The options, validated.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IBackend> ConnectAsync(QemuOptions options, CancellationToken cancellationToken)
    {
        var connector = new QemuHostConnector(options);
        // Copying the program over a slow line takes its time, once; what it does when it is opened has its own deadlines.
        return await RemoteBackend.ConnectAsync(
            new RemoteBackendOptions
            {
                Name = options.Name, Connect = connector.StartAsync, Settings = QemuHostSettings.Write(options), Secrets = options.Secrets, FindBackend = options.FindBackend, Json = Json, TimeProvider = options.TimeProvider, Owned = connector,
                Endpoint = connector.Endpoint(), ConnectTimeout = TimeSpan.FromMinutes(10),
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
            await _session.DisposeAsync().ConfigureAwait(false);
        _connecting.Dispose();
    }

    /// <summary>Where the machines are, without who one is there.</summary>
    private Uri Endpoint() => new UriBuilder("ssh", _address.Host.Contains(':') ? $"[{_address.Host}]" : _address.Host, _address.Port ?? -1, _options.StateDirectory).Uri;

    private async Task<Connection> StartAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _session ??= await SshHostSession.ConnectAsync(_address, _options.Ssh, cancellationToken).ConfigureAwait(false);
            _program ??= QemuHostProgram.Find(_options.HostProgram, _session.Node, _session.Facts);
            var command = await _program.PrepareAsync(_session, cancellationToken).ConfigureAwait(false);
            var process = await _session.StartAsync(command, cancellationToken).ConfigureAwait(false);
            // It ends with its input; what is left of it here goes with the connection.
            _ = process.Connection.Closed.ContinueWith(_ => process.DisposeAsync().AsTask(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return process.Connection;
        }
        finally
        {
            _connecting.Release();
        }
    }
}
