using System.Diagnostics;
using System.Net.Sockets;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

/// <summary>A real QEMU without a machine, stopped, with one monitor or more on private sockets. It is up within a fraction of a second.</summary>
internal sealed class QemuProcess : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Process _process;

    private QemuProcess(string program, int monitors, string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardError = true };
        foreach (string argument in (string[])["-M", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S", .. arguments])
            start.ArgumentList.Add(argument);
        for (int i = 0; i < monitors; i++)
        {
            start.ArgumentList.Add("-qmp");
            start.ArgumentList.Add($"unix:{MonitorPath(i)},server=on,wait=off");
        }

        _process = Process.Start(start)!;
    }

    public TempDirectory Directory => _directory;

    public Process Process => _process;

    public string MonitorPath(int index = 0) => _directory[$"qmp{index}"];

    /// <summary>Starts the QEMU on PATH and waits until its last monitor listens.</summary>
    public static async Task<QemuProcess> StartAsync(int monitors = 1, params string[] arguments)
    {
        var qemu = new QemuProcess(RealPeer.Program("qemu-system-x86_64"), monitors, arguments);
        // A directory watch would race with the file's creation; QEMU creates, binds and listens in order, and a failed connect costs nothing.
        while (!await qemu.ListensAsync(monitors - 1))
        {
            if (qemu._process.HasExited)
                throw new InvalidOperationException($"QEMU exited at once: {await qemu._process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)}");
            await Task.Yield();
        }

        return qemu;
    }

    public Task<QmpClient> ConnectAsync(QmpClientOptions? options = null, int monitor = 0) =>
        QmpClient.ConnectAsync(MonitorPath(monitor), options, TestContext.Current.CancellationToken);

    /// <summary>SIGKILL, and gone when this returns.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
        _directory.Dispose();
    }

    private async Task<bool> ListensAsync(int index)
    {
        if (!File.Exists(MonitorPath(index)))
            return false;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(MonitorPath(index)), TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
