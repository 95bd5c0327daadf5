using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Where the sockets of running machines are: <c>ID/changes.sock</c>, <c>ID/reads.sock</c>, <c>ID/agent.sock</c>, <c>ID/serial.sock</c>, <c>ID/vnc.sock</c>. Directories 0700, sockets 0600.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RuntimeDirectory
{
    public const string ChangesSocket = "changes.sock";
    public const string ReadsSocket = "reads.sock";
    public const string AgentSocket = "agent.sock";
    public const string SerialSocket = "serial.sock";

    /// <summary>The screen's password, where it has one.</summary>
    public const string ScreenSecret = "screen.secret";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly IDurableSeam? _seam;

    public RuntimeDirectory(string path, IDurableSeam? seam)
    {
        Path = path;
        _seam = seam;
        int bytes = Encoding.UTF8.GetByteCount(SocketOf(MachineIds.Longest, ChangesSocket));
        if (bytes > ListeningSocket.MaxPathBytes)
            throw new HypervisorException($"A socket beneath the runtime directory '{path}' would have a path of {bytes} bytes; the system takes {ListeningSocket.MaxPathBytes}. Set a shorter {nameof(QemuOptions)}.{nameof(QemuOptions.RuntimeDirectory)}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
        try
        {
            Directory.CreateDirectory(path, Private);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"Making the runtime directory '{path}' failed: {error.Message}", ErrorCode.Denied, RequestOutcome.NotSent, error);
        }
    }

    public string Path { get; }

    public string Of(string id) => System.IO.Path.Combine(Path, id);

    public string SocketOf(string id, string socket) => System.IO.Path.Combine(Path, id, socket);

    /// <summary>The socket of the screen, which QEMU makes.</summary>
    public static string ScreenSocketOf(QemuMachine machine) => machine.ScreenProtocol + ".sock";

    /// <summary>The socket of a serial port.</summary>
    public static string SerialSocketOf(int port) => port == 0 ? SerialSocket : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"serial{port}.sock");

    /// <summary>Writes a secret that QEMU reads when it starts, and nobody else.</summary>
    public void WriteSecret(string id, string name, ReadOnlySpan<byte> secret, RunUser? owner)
    {
        string effect = $"write {id}/{name}";
        _seam?.Before(effect);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (var file = new FileStream(SocketOf(id, name), options))
            file.Write(secret);
        owner?.Own(SocketOf(id, name));
        _seam?.After(effect);
    }

    /// <summary>Makes the directory of a machine, empty, and gives it to QEMU's user.</summary>
    public void Create(string id, RunUser? owner)
    {
        Remove(id);
        string effect = $"make runtime directory {id}";
        _seam?.Before(effect);
        Directory.CreateDirectory(Of(id), Private);
        owner?.Own(Of(id));
        _seam?.After(effect);
    }

    /// <summary>Removes the directory of a machine with its sockets.</summary>
    public void Remove(string id)
    {
        if (!Directory.Exists(Of(id)))
            return;
        string effect = $"remove runtime directory {id}";
        _seam?.Before(effect);
        Directory.Delete(Of(id), recursive: true);
        _seam?.After(effect);
    }

    /// <summary>The machines that have a directory.</summary>
    public IEnumerable<string> List() => Directory.EnumerateDirectories(Path).Select(directory => System.IO.Path.GetFileName(directory));
}
