using System.Buffers;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A program at the other end: a second ssh, which is the master's guest, runs the script that runs it.</summary>
internal sealed class RemoteProcess : HostProcess
{
    /// <summary>What a shell may print before it begins.</summary>
    private const int MaxPrefaceBytes = 256 << 10;

    private const int KilledCode = 128 + 9;

    private static readonly TimeSpan s_killPatience = TimeSpan.FromSeconds(10);

    private readonly SshMaster _master;
    private readonly ProcessConnection _connection;
    private readonly RemoteErrors _errors;
    private readonly HostCommand _command;
    private int _processId;
    private volatile bool _isKilled;

    private RemoteProcess(SshMaster master, ProcessConnection connection, RemoteErrors errors, HostCommand command)
    {
        _master = master;
        _connection = connection;
        _errors = errors;
        _command = command;
        Exited = WaitAsync();
    }

    public override Connection Connection => _connection;

    public override int ProcessId => _processId;

    public override Task<int> Exited { get; }

    /// <summary>Completes when the ssh that carried it has ended, and with it the session at the other end.</summary>
    public Task Released => _connection.Exited;

    public override string ErrorText => _errors.Text;

    /// <summary>Starts a program; completes when the shell at the other end is about to.</summary>
    public static async Task<RemoteProcess> StartAsync(SshMaster master, HostCommand command, Func<ReadOnlyMemory<byte>, ValueTask>? sink, CancellationToken cancellationToken)
    {
        string nonce = SshMaster.NewNonce();
        string script = RemoteScript.Run(command, nonce);
        var errors = new RemoteErrors(nonce, sink);
        var process = new RemoteProcess(master, master.StartGuest(["-T"], [script], errors.TakeAsync), errors, command);
        var begun = process.BeginAsync(nonce);
        try
        {
            await begun.WaitAsync(cancellationToken).ConfigureAwait(false);
            return process;
        }
        catch (OperationCanceledException)
        {
            // It may be starting in this moment: it is known by its number when the shell says it, and only then can it be ended.
            try
            {
                await begun.WaitAsync(s_killPatience, master.Time, CancellationToken.None).ConfigureAwait(false);
                await process.KillAsync(CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HypervisorException or TimeoutException)
            {
                // It did not begin, or the node is lost.
            }

            await process.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        catch (HypervisorException)
        {
            await process.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override async Task KillAsync(CancellationToken cancellationToken = default)
    {
        if (_errors.Ended.IsCompleted)
            return;
        _isKilled = true;
        await _master.KillGroupAsync(_processId, cancellationToken).ConfigureAwait(false);
        // The shell is of the group: nothing more comes.
        _connection.Kill();
    }

    public override ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<int> WaitAsync()
    {
        if (await _errors.Ended.ConfigureAwait(false) is { } code)
            return code;
        // The shell that would say it was ended with the program.
        return _isKilled && _master.IsAlive ? KilledCode : throw SshWords.Lost(_master.Address, $"'{_command.Program}' ran", _master.Words, RequestOutcome.Unknown);
    }

    private async Task BeginAsync(string nonce)
    {
        byte[] mark = Encoding.ASCII.GetBytes(nonce + ":");
        try
        {
            while (true)
            {
                var read = await _connection.Input.ReadAsync().ConfigureAwait(false);
                var reader = new SequenceReader<byte>(read.Buffer);
                if (reader.TryReadTo(out ReadOnlySequence<byte> _, mark.AsSpan()) && reader.TryReadTo(out ReadOnlySequence<byte> word, (byte)'\n'))
                {
                    string text = Encoding.ASCII.GetString(word);
                    _connection.Input.AdvanceTo(reader.Position);
                    Begin(text);
                    return;
                }

                _connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.Buffer.Length > MaxPrefaceBytes)
                    throw new HypervisorException($"The shell of {_master.Address} prints more than {MaxPrefaceBytes} bytes before it begins. Silence its start-up files.", ErrorCode.Protocol, RequestOutcome.Unknown);
                if (read.IsCompleted)
                    throw SshWords.NotBegun(_master.Address, $"'{_command.Program}' was to begin", _connection.ErrorText.Trim());
            }
        }
        catch (ConnectionClosedException)
        {
            throw SshWords.NotBegun(_master.Address, $"'{_command.Program}' was to begin", _connection.ErrorText.Trim());
        }
    }

    private void Begin(string word)
    {
        if (int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _processId))
            return;
        throw word switch
        {
            "noprogram" => new HypervisorException($"There is no program '{_command.Program}' on {_master.Address} that this user may run. Install it there.", ErrorCode.NotFound, RequestOutcome.NotSent),
            "nodirectory" => new HypervisorException($"There is no directory '{_command.WorkingDirectory}' on {_master.Address} that this user may enter.", ErrorCode.NotFound, RequestOutcome.NotSent),
            _ => new HypervisorException($"The shell of {_master.Address} answers what it was not asked: '{HostPath.Shown(word)}'.", ErrorCode.Protocol, RequestOutcome.Unknown),
        };
    }
}
