using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// A program that this process started, as a connection: <see cref="Connection.Output"/> is its standard input, <see cref="Connection.Input"/> its standard output. Completing the
/// output closes the standard input. Disposing closes both, gives the program <see cref="ProcessOptions.ExitGrace"/> to exit, then kills it; no zombie stays.
/// </summary>
public sealed class ProcessConnection : Connection
{
    /// <summary>How long to wait for the exit that explains a broken pipe, and for the rest of the standard error, which a grandchild may hold open.</summary>
    private static readonly TimeSpan s_explanationWait = TimeSpan.FromSeconds(1);

    private readonly ProcessOptions _options;
    private readonly Process _process;
    private readonly Stream _standardInput;
    private readonly Stream _standardOutput;
    private readonly Stream _standardError;
    private readonly ErrorTail _errorTail;
    private readonly StreamInput _input;
    private readonly StreamOutput _output;
    private Task _released = Task.CompletedTask;

    private ProcessConnection(Process process, ProcessOptions options)
        : base($"process:{Path.GetFileName(options.Program)}[{process.Id}]")
    {
        _options = options;
        _process = process;
        ProcessId = process.Id;
        _standardInput = process.StandardInput.BaseStream;
        _standardOutput = process.StandardOutput.BaseStream;
        _standardError = process.StandardError.BaseStream;
        _errorTail = new ErrorTail(options.ErrorTailBytes);
        _input = new StreamInput(this, options.SegmentBytes, ReadAsync);
        _output = new StreamOutput(this, options.SegmentBytes, WriteAsync, () => _standardInput.DisposeAsync());
        Exited = WatchAsync(PumpErrorsAsync());
    }

    /// <inheritdoc />
    public override PipeReader Input => _input;

    /// <inheritdoc />
    public override PipeWriter Output => _output;

    /// <summary>The operating system's number of the process. It means nothing once <see cref="Exited"/> has completed.</summary>
    public int ProcessId { get; }

    /// <summary>Completes with the exit code when the program has exited and its standard error has been read; 128 + n when signal n killed it.</summary>
    public Task<int> Exited { get; }

    /// <summary>The end of what the program has written to standard error so far, as UTF-8; at most <see cref="ProcessOptions.ErrorTailBytes"/>.</summary>
    public string ErrorText => _errorTail.ToString();

    /// <summary>Starts the program.</summary>
    /// <exception cref="ConnectException">There is no such program or directory, or it may not be run.</exception>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static ProcessConnection Start(ProcessOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var start = new ProcessStartInfo(ProgramPath(options.Program))
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.WorkingDirectory ?? "",
        };
        foreach (string argument in options.Arguments)
            start.ArgumentList.Add(argument);
        if (options.ClearEnvironment)
            start.Environment.Clear();
        foreach ((string name, string? value) in options.Environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }

        if (options.WorkingDirectory is { } directory && !Directory.Exists(directory))
            throw new ConnectException(ConnectFailure.NotFound, $"Starting '{options.Program}' failed: there is no directory '{directory}'.");
        try
        {
            return new ProcessConnection(Process.Start(start)!, options);
        }
        catch (Win32Exception error)
        {
            // ENOENT and EACCES have these numbers on every unix; Windows says "file not found" and "access denied" with 2 and 5.
            ConnectFailure failure = error.NativeErrorCode switch { 2 => ConnectFailure.NotFound, 5 or 13 => ConnectFailure.Denied, _ => ConnectFailure.Other };
            throw new ConnectException(failure, $"Starting '{options.Program}' failed: {error.Message}", error);
        }
    }

    /// <summary>Kills the program and what it has started, at once. Does nothing when it has exited; what it wrote before can still be read.</summary>
    public void Kill()
    {
        try
        {
            if (!Exited.IsCompleted)
                _process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException or AggregateException)
        {
            // It exited in this moment, or runs as another user, who alone may end it: then its standard input is what is left to close.
            Abort(error);
        }
    }

    private protected override void ReleaseTransport() => _released = ReleaseAsync();

    private protected override ValueTask DisposeTransportAsync() => new(_released);

    /// <summary>A name is looked up in PATH only; the framework would look beside this program and in the current directory first.</summary>
    private static string ProgramPath(string program)
    {
        if (program.Contains(Path.DirectorySeparatorChar) || program.Contains(Path.AltDirectorySeparatorChar))
            return Path.GetFullPath(program);
        string[] names = OperatingSystem.IsWindows() && !Path.HasExtension(program) ? [program + ".exe"] : [program];
        string[] directories = (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return directories.Where(Path.IsPathRooted).SelectMany(directory => names.Select(name => Path.Combine(directory, name))).FirstOrDefault(File.Exists)
            ?? throw new ConnectException(ConnectFailure.NotFound, $"Starting '{program}' failed: there is no such program in PATH.");
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadAsync(Memory<byte> memory)
    {
        int bytes = await _standardOutput.ReadAsync(memory, CancellationToken.None).ConfigureAwait(false);
        if (bytes == 0 && _options.NonZeroExitFails && await ExitCodeSoonAsync().ConfigureAwait(false) is not (null or 0))
            throw CloseReason!;
        return bytes;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteAsync(ReadOnlyMemory<byte> memory)
    {
        try
        {
            await _standardInput.WriteAsync(memory, CancellationToken.None).ConfigureAwait(false);
            await _standardInput.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The broken pipe is only the consequence: the exit, which closes the connection with its own reason, is why.
            await ExitCodeSoonAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<int?> ExitCodeSoonAsync()
    {
        try
        {
            return await Exited.WaitAsync(s_explanationWait, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<int> WatchAsync(Task errors)
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        int exitCode = _process.ExitCode;
        try
        {
            await errors.WaitAsync(s_explanationWait, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Somebody else holds the standard error open; what has come until now must do.
        }

        string errorText = ErrorText.Trim();
        Close(new ConnectionClosedException($"{Endpoint} exited with code {exitCode}{(errorText.Length > 0 ? ": " + errorText : ".")}"));
        return exitCode;
    }

    private async Task PumpErrorsAsync()
    {
        byte[] buffer = new byte[4096];
        try
        {
            int bytes;
            while ((bytes = await _standardError.ReadAsync(buffer, CancellationToken.None).ConfigureAwait(false)) > 0)
            {
                _errorTail.Append(buffer.AsSpan(0, bytes));
                if (_options.ErrorSink is { } sink)
                    await sink(buffer.AsMemory(0, bytes)).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
        {
            _errorTail.Append(Encoding.UTF8.GetBytes($"[reading the standard error failed: {error.Message}]"));
        }

        if (_options.ErrorSink is { } atEnd)
            await atEnd(default).ConfigureAwait(false);
    }

    private async Task ReleaseAsync()
    {
        await DisposeQuietlyAsync(_standardInput).ConfigureAwait(false);
        await DisposeQuietlyAsync(_standardOutput).ConfigureAwait(false);
        try
        {
            await Exited.WaitAsync(_options.ExitGrace, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            if (!TryKill())
                return;
            await Exited.ConfigureAwait(false);
        }

        await DisposeQuietlyAsync(_standardError).ConfigureAwait(false);
        _process.Dispose();
    }

    /// <summary>Kills the program, its children being its own affair. False when the system forbids it, as with a program that runs as another user: there is nothing to wait for then.</summary>
    private bool TryKill()
    {
        try
        {
            // Does nothing when the program has exited in this moment.
            _process.Kill();
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static async ValueTask DisposeQuietlyAsync(Stream stream)
    {
        try
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // A broken pipe at the end of a program that is gone: its exit is the close reason.
        }
    }
}
