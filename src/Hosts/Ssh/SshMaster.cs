using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// One connection to a node: an ssh in the foreground that others share by its control socket (ssh_config(5), ControlMaster). It is a child of this process with a session of its own, whose script ends when its input does: so it
/// goes with this process, however that ends.
/// </summary>
internal sealed class SshMaster : IAsyncDisposable
{
    private const int MaxGreetingBytes = 256 << 10;
    private const int MaxAnswerBytes = 4096;

    private static readonly TimeSpan s_answerPatience = TimeSpan.FromSeconds(10);

    private readonly SshOptions _options;
    private readonly ProcessConnection _process;
#pragma warning disable CA2213 // It has nothing to release without a wait handle, and calls that wait for their turn must still get it to see that the master has ended.
    private readonly SemaphoreSlim _asking = new(1, 1);
#pragma warning restore CA2213
    private HostFacts? _facts;

    private SshMaster(SshAddress address, SshOptions options, string controlPath, ProcessConnection process)
    {
        Address = address;
        _options = options;
        ControlPath = controlPath;
        _process = process;
    }

    public SshAddress Address { get; }

    public string ControlPath { get; }

    public HostFacts Facts => _facts!;

    public TimeProvider Time => _options.TimeProvider;

    public bool IsAlive => _process.CloseReason is null;

    public Task Closed => _process.Closed;

    /// <summary>What ssh has said so far.</summary>
    public string Words => _process.ErrorText.Trim();

    internal int LocalProcessId => _process.ProcessId;

    public static string NewNonce() => "hvsdk-" + RandomNumberGenerator.GetHexString(32, lowercase: true);

    public static async Task<SshMaster> ConnectAsync(SshAddress address, SshOptions options, string controlPath, CancellationToken cancellationToken)
    {
        string nonce = NewNonce();
        string[] arguments =
        [
            .. options.ConfigFile is { } config ? (string[])["-F", config] : [],
            // Nobody is there to be asked, and nothing of the user's configuration may take the connection for something else than this.
            .. Settings(
                "BatchMode=yes", "ControlMaster=yes", $"ControlPath={Escaped(controlPath)}", "ControlPersist=no", "RequestTTY=no", "RemoteCommand=none", "PermitLocalCommand=no", "ClearAllForwardings=yes",
                "ForwardX11=no", "LogLevel=INFO", $"ConnectTimeout={Seconds(options.ConnectTimeout)}", $"ServerAliveInterval={Seconds(options.KeepAliveInterval)}", "ServerAliveCountMax=3"),
            .. address.User is { } user ? (string[])["-l", user] : [],
            .. address.Port is { } port ? (string[])["-p", port.ToString(CultureInfo.InvariantCulture)] : [],
            "-T", "--", address.Host, RemoteScript.Begin(nonce),
        ];
        var process = Start(address, options, arguments, null, TimeSpan.FromSeconds(2));
        var master = new SshMaster(address, options, controlPath, process);
        using var timer = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            master._facts = await master.ReadGreetingAsync(nonce, either.Token).ConfigureAwait(false);
            return master;
        }
        catch (Exception error)
        {
            process.Kill();
            await master.DisposeAsync().ConfigureAwait(false);
            if (error is not OperationCanceledException)
                throw;
            cancellationToken.ThrowIfCancellationRequested();
            throw SshWords.NotConnected(address, SshFailure.Unreachable, master.Words);
        }
    }

    /// <summary>Starts an ssh that uses this connection and never one of its own: it reads no configuration, and is told an address that its family does not have.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="command">What follows the host.</param>
    /// <param name="errors">Is handed what it writes to standard error.</param>
    public ProcessConnection StartGuest(string[] options, string[] command, Func<ReadOnlyMemory<byte>, ValueTask>? errors) => Start(
        Address,
        _options,
        [
            "-F", "none", .. Settings("BatchMode=yes", "ControlMaster=no", $"ControlPath={Escaped(ControlPath)}", "HostName=::1", "AddressFamily=inet", "LogLevel=INFO"), .. options, "--", Address.Host, .. command,
        ],
        errors,
        TimeSpan.FromSeconds(5));

    /// <summary>Ends a process group at the other end, and knows afterwards that it was told.</summary>
    public Task KillGroupAsync(int processGroup, CancellationToken cancellationToken) => AskAsync(string.Create(CultureInfo.InvariantCulture, $"k{processGroup}"), cancellationToken);

    /// <summary>There and back: what was sent before has arrived.</summary>
    public Task PingAsync(CancellationToken cancellationToken) => AskAsync("p", cancellationToken);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static string[] Settings(params string[] settings) => [.. settings.SelectMany(setting => (string[])["-o", setting])];

    private static string Seconds(TimeSpan time) => ((int)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    /// <summary>A path in ssh's configuration knows tokens, and quotes around blanks.</summary>
    private static string Escaped(string path) => $"\"{path.Replace("%", "%%", StringComparison.Ordinal)}\"";

    private static ProcessConnection Start(SshAddress address, SshOptions options, string[] arguments, Func<ReadOnlyMemory<byte>, ValueTask>? errors, TimeSpan grace)
    {
        try
        {
            var process = new ProcessOptions { Program = options.Program, Arguments = arguments, ErrorSink = errors, NonZeroExitFails = true, ExitGrace = grace, TimeProvider = options.TimeProvider };
            // Its words are read, and some of them come from the system's library, which translates.
            process.Environment["LC_ALL"] = "C";
            return ProcessConnection.Start(process);
        }
        catch (ConnectException error)
        {
            throw SshWords.NotConnected(address, error.Failure == ConnectFailure.NotFound ? SshFailure.NotInstalled : SshFailure.Other, error.Message, error);
        }
    }

    private async Task<HostFacts> ReadGreetingAsync(string nonce, CancellationToken cancellationToken)
    {
        byte[] mark = [.. Encoding.ASCII.GetBytes(nonce), 0];
        bool hasSpoken = false;
        try
        {
            while (true)
            {
                var read = await _process.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
                hasSpoken |= !read.Buffer.IsEmpty;
                if (TryReadFields(read.Buffer, mark, out var fields, out var end))
                {
                    _process.Input.AdvanceTo(end);
                    if (!RemoteScript.IsPosix(fields[0]))
                        throw SshWords.NotConnected(Address, SshFailure.ShellNotPosix, Words);
                    return new HostFacts
                    {
                        SystemName = fields[1], KernelRelease = fields[2], MachineName = fields[3], HostName = fields[4], UserName = fields[5], UserId = Number(fields[6]), HomeDirectory = fields[7],
                        Processors = Number(fields[8]), BootId = fields[9].Length > 0 ? fields[9] : null,
                    };
                }

                _process.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCompleted || read.Buffer.Length > MaxGreetingBytes)
                    throw SshWords.NotConnected(Address, SshFailure.ShellNotPosix, Words);
            }
        }
        catch (ConnectionClosedException error)
        {
            var failure = SshWords.FailureOf(Words);
            // 255 is ssh's own; every other code is that of the shell.
            if (failure == SshFailure.Other && (hasSpoken || (_process.Exited.IsCompletedSuccessfully && await _process.Exited.ConfigureAwait(false) != 255)))
                failure = SshFailure.ShellNotPosix;
            throw SshWords.NotConnected(Address, failure, Words, error);
        }

        static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    private static bool TryReadFields(ReadOnlySequence<byte> buffer, byte[] mark, out string[] fields, out SequencePosition end)
    {
        fields = new string[RemoteScript.GreetingFields - 1];
        end = default;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> _, mark.AsSpan()))
            return false;
        for (int i = 0; i < fields.Length; i++)
        {
            if (!reader.TryReadTo(out ReadOnlySequence<byte> field, (byte)0))
                return false;
            fields[i] = Encoding.UTF8.GetString(field);
        }

        end = reader.Position;
        return true;
    }

    /// <summary>One line to the script of the master's session, and the same line back.</summary>
    private async Task AskAsync(string line, CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Once asked, the answer is waited for: the next one would be taken for it.
            using var timer = new CancellationTokenSource(s_answerPatience, Time);
            byte[] bytes = Encoding.ASCII.GetBytes(line + "\n");
            await _process.Output.WriteAsync(bytes, timer.Token).ConfigureAwait(false);
            while (true)
            {
                var read = await _process.Input.ReadAsync(timer.Token).ConfigureAwait(false);
                var position = read.Buffer.PositionOf((byte)'\n');
                if (position is { } at)
                {
                    string answer = Encoding.UTF8.GetString(read.Buffer.Slice(0, at));
                    _process.Input.AdvanceTo(read.Buffer.GetPosition(1, at));
                    if (answer == line)
                        return;
                    throw Broken($"it answers '{HostPath.Shown(answer)}' to '{line}'");
                }

                _process.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCompleted || read.Buffer.Length > MaxAnswerBytes)
                    throw Broken("its session ended");
            }
        }
        catch (OperationCanceledException)
        {
            throw Broken("it does not answer");
        }
        catch (IOException)
        {
            throw Broken("its session ended");
        }
        finally
        {
            _asking.Release();
        }
    }

    private SshException Broken(string why)
    {
        _process.Abort(new IOException(why));
        return SshWords.Lost(Address, $"it was asked something: {why}", Words, RequestOutcome.Unknown);
    }
}
