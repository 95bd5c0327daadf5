using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The serial port of a guest: what the guest has printed since it was switched on, and who reads and types.</summary>
internal sealed class GuestConsole : GuestPart
{
    private const int MaxLogBytes = 256 << 10;

    private readonly Queue<ReadOnlyMemory<byte>> _log = new();
    private readonly List<byte[]> _typedWhilePaused = [];
    private int _logBytes;
    private GuestTerminal? _terminal;
    private bool _isPaused;

    /// <summary>Is given what the guest prints; null while nobody has the console open.</summary>
    public Action<ReadOnlyMemory<byte>>? Reader { get; set; }

    /// <summary>Is told when there is nothing to read any more, and why.</summary>
    public Action<ErrorCode, string>? Ended { get; set; }

    /// <summary>Whether the guest may print without anybody typing.</summary>
    public bool IsBusy => Guest.Instance.IsUp && (!Guest.IsUp || Guest.IsShuttingDown || _terminal?.IsRunning == true);

    /// <summary>What has been printed since the guest was switched on, the last 256 KiB of it.</summary>
    public byte[] Log
    {
        get
        {
            byte[] all = new byte[_logBytes];
            int at = 0;
            foreach (var piece in _log)
            {
                piece.CopyTo(all.AsMemory(at));
                at += piece.Length;
            }

            return all;
        }
    }

    public override void OnMade()
    {
        if (!Guest.Instance.IsUp)
            return;
        _isPaused = Guest.Instance.State == PowerState.Paused;
        PrintKernel();
        if (Guest.IsUp)
            OnUp();
    }

    public override void OnPowerOn()
    {
        CloseTerminal();
        _isPaused = false;
        _log.Clear();
        _logBytes = 0;
        PrintKernel();
    }

    public override void OnUp()
    {
        CloseTerminal();
        if (Guest.Instance.Config.Container is { Command.Count: > 0 })
            return;
        Print($"\r\nSimulated Linux 1 {Guest.Get<GuestSystem>().HostName} ttyS0\r\n\r\n{Guest.Get<GuestSystem>().HostName} login: root (automatic login)\r\n");
        _terminal = new GuestTerminal(Guest.Get<GuestSystem>(), Print);
        _terminal.Start();
    }

    public override void OnShutdown() => Print("\r\nThe system is going down NOW!\r\n");

    public override void OnPaused(bool isPaused)
    {
        _isPaused = isPaused;
        if (isPaused)
            return;
        foreach (byte[] typed in _typedWhilePaused)
            _terminal?.Type(typed);
        _typedWhilePaused.Clear();
    }

    public override void OnPowerOff()
    {
        CloseTerminal();
        Print("reboot: Power down\r\n");
        Ended?.Invoke(ErrorCode.InvalidState, $"'{Guest.Instance.Name}' has stopped.");
    }

    public override void OnPanic()
    {
        CloseTerminal();
        Print(string.Create(CultureInfo.InvariantCulture, $"\r\n[{(Guest.World.Clock.GetUtcNow() - Guest.PoweredOnAt).TotalSeconds,12:F6}] Kernel panic - not syncing: simulated fault\r\n"));
    }

    /// <summary>Takes what somebody types. What comes before the guest has a shell is lost, as on a real line.</summary>
    public void Type(ReadOnlySpan<byte> bytes)
    {
        if (!_isPaused)
            _terminal?.Type(bytes);
        else if (_typedWhilePaused.Count < 1024)
            _typedWhilePaused.Add(bytes.ToArray());
    }

    /// <summary>Prints what a program says that runs without a terminal.</summary>
    public void Print(ReadOnlyMemory<byte> bytes)
    {
        _log.Enqueue(bytes);
        _logBytes += bytes.Length;
        while (_logBytes > MaxLogBytes)
            _logBytes -= _log.Dequeue().Length;
        Reader?.Invoke(bytes);
    }

    private void CloseTerminal()
    {
        _terminal?.Close();
        _terminal = null;
        _typedWhilePaused.Clear();
    }

    private void PrintKernel()
    {
        if (Guest.Instance.Kind == InstanceKind.Container)
            return;
        var system = Guest.Get<GuestSystem>();
        string[] lines =
        [
            $"Linux version {GuestPrograms.KernelRelease} ({system.Machine}) #1 SMP",
            string.Create(CultureInfo.InvariantCulture, $"Memory: {system.MemoryBytes >> 10}K"),
            string.Create(CultureInfo.InvariantCulture, $"smp: Brought up 1 node, {system.Cpus} CPUs"),
            .. Guest.Instance.Config.Disks.Select((disk, index) => string.Create(CultureInfo.InvariantCulture, $"virtio_blk vd{(char)('a' + index)}: {disk.GuestBytes / 512} 512-byte logical blocks")),
            .. Guest.Instance.Config.Networks.Select((network, index) => string.Create(CultureInfo.InvariantCulture, $"eth{index}: {network.Mac}")),
            "Run /sbin/init as init process",
        ];
        Print(string.Concat(lines.Select((line, index) => string.Create(CultureInfo.InvariantCulture, $"[{index * 0.041,12:F6}] {line}\r\n"))));
    }

    private void Print(string text) => Print(Encoding.UTF8.GetBytes(text));
}
