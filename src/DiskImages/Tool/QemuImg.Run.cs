using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.DiskImages;

public sealed partial class QemuImg
{
    /// <summary>
    /// How QEMU says that it has measured nothing: before it encrypts an image it looks how long a key takes, and where the system counts a thread's time by ticks a busy machine may show none. What it has begun with is removed or
    /// overwritten, and the next attempt measures anew.
    /// </summary>
    private const string Unmeasured = "Unable to get accurate CPU usage";

    private const int MaxTries = 20;

    private async Task<Run> RunAsync(DiskImage image, List<string> before, List<string> after, IProgress<double>? progress, CancellationToken cancellationToken, params int[] goodExitCodes)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var keys = new KeyFiles();
        return await RunAsync([.. before, image.ToFileName(keys.IdOf), .. after], keys, progress, cancellationToken, goodExitCodes).ConfigureAwait(false);
    }

    private async Task<Run> RunAsync(List<string> arguments, KeyFiles? keys, IProgress<double>? progress, CancellationToken cancellationToken, params int[] goodExitCodes)
    {
        string command = arguments[0];
        arguments.InsertRange(1, keys?.Arguments ?? []);
        for (int tries = 1; ; tries++)
        {
            var (exitCode, output, said) = await RunOnceAsync(arguments, command, progress, cancellationToken).ConfigureAwait(false);
            if (exitCode == 0 || goodExitCodes.Contains(exitCode))
                return new Run(command, output);
            if (tries == MaxTries || !said.Contains(Unmeasured, StringComparison.Ordinal))
                throw Failed(command, exitCode, said);
        }
    }

    private async Task<(int ExitCode, byte[] Output, string Said)> RunOnceAsync(List<string> arguments, string command, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // No grace: a program that is no longer wanted is killed, and gone when the call returns.
        var options = new ProcessOptions { Program = _program, Arguments = arguments, NonZeroExitFails = false, ExitGrace = TimeSpan.Zero, Environment = { ["LC_ALL"] = "C" } };
        var process = Start(options);
        await using (process.ConfigureAwait(false))
        {
            await process.Output.CompleteAsync().ConfigureAwait(false);
            byte[] output = await ReadAsync(process.Input, command, progress, cancellationToken).ConfigureAwait(false);
            int exitCode = await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
            return (exitCode, output, exitCode == 0 ? "" : process.ErrorText.Trim() is { Length: > 0 } said ? said : Encoding.UTF8.GetString(output));
        }
    }

    private static ProcessConnection Start(ProcessOptions options)
    {
        try
        {
            return ProcessConnection.Start(options);
        }
        catch (ConnectException error)
        {
            throw new HypervisorException($"qemu-img cannot be started: {error.Message} Install qemu-utils, or say where it is.", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }
    }

    private async Task<byte[]> ReadAsync(PipeReader input, string command, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var output = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (output.WrittenCount + read.Buffer.Length > _maxOutputBytes)
                throw new HypervisorException($"qemu-img {command} printed more than {_maxOutputBytes} bytes.", ErrorCode.Protocol, RequestOutcome.Unknown);
            foreach (var segment in read.Buffer)
                output.Write(segment.Span);
            input.AdvanceTo(read.Buffer.End);
            if (progress is not null && LastFraction(output.WrittenSpan) is { } fraction)
                progress.Report(fraction);
            if (read.IsCompleted)
                return output.WrittenSpan.ToArray();
        }
    }

    /// <summary>The last of the moments that <c>-p</c> prints: <c>    (12.34/100%)</c> and a carriage return.</summary>
    private static double? LastFraction(ReadOnlySpan<byte> output)
    {
        int end = output.LastIndexOf("/100%)"u8);
        int start = end < 0 ? -1 : output[..end].LastIndexOf((byte)'(');
        return start >= 0 && double.TryParse(output[(start + 1)..end], NumberStyles.Float, CultureInfo.InvariantCulture, out double percent) ? Math.Clamp(percent / 100, 0, 1) : null;
    }

    private static T Parse<T>(Run run, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(run.Output, type) ?? throw new JsonException("It is null.");
        }
        catch (JsonException error)
        {
            throw new HypervisorException($"What qemu-img {run.Command} printed is not what was expected: {error.Message}", ErrorCode.Protocol, RequestOutcome.Unknown, error) { BackendMessage = LastLine(run.Text) };
        }
    }

    /// <summary>The system's own words, which qemu-img prints in the C locale, are the only thing by which its failures can be told apart.</summary>
    private static HypervisorException Failed(string command, int exitCode, string said)
    {
        (ErrorCode code, string? reason) = said switch
        {
            _ when said.Contains("No space left on device", StringComparison.Ordinal) || said.Contains("Disk quota exceeded", StringComparison.Ordinal) => (ErrorCode.Exhausted, "the disk is full. Free some space and try again."),
            _ when said.Contains("Failed to get ", StringComparison.Ordinal) && said.Contains(" lock", StringComparison.Ordinal) => (ErrorCode.Locked, "somebody else uses the image, a running machine perhaps."),
            _ when said.Contains("Permission denied", StringComparison.Ordinal) || said.Contains("Operation not permitted", StringComparison.Ordinal) || said.Contains("Read-only file system", StringComparison.Ordinal) => (ErrorCode.Denied, "this process may not do that."),
            _ when said.Contains("No such file or directory", StringComparison.Ordinal) => (ErrorCode.NotFound, "there is no such file."),
            _ when said.Contains("Invalid password", StringComparison.Ordinal) => (ErrorCode.Denied, "the passphrase does not open the image."),
            _ when said.Contains("Image is not in qcow2 format", StringComparison.Ordinal) => (ErrorCode.Corrupted, "the image is not of the stated format."),
            _ => (ErrorCode.Unspecified, null),
        };
        // What could not be opened was not touched.
        var outcome = code == ErrorCode.Locked || code == ErrorCode.Denied || code == ErrorCode.NotFound || code == ErrorCode.Corrupted ? RequestOutcome.Rejected : RequestOutcome.FailedMidway;
        string line = Complaint(said);
        return new HypervisorException($"qemu-img {command} failed: {reason ?? line}", code, outcome) { BackendCode = exitCode.ToString(CultureInfo.InvariantCulture), BackendMessage = line };
    }

    /// <summary>The last line that is the program's own complaint; hints may follow it.</summary>
    private static string Complaint(string said)
    {
        int start = said.LastIndexOf("qemu-img: ", StringComparison.Ordinal);
        return LastLine(start < 0 ? said : said[start..].Split('\n')[0]);
    }

    private static string LastLine(string text)
    {
        text = text.Trim();
        string line = text[(text.LastIndexOfAny(['\n', '\r']) + 1)..];
        return line.Length > 1000 ? line[^1000..] : line;
    }

    private readonly record struct Run(string Command, byte[] Output)
    {
        public string Text => Encoding.UTF8.GetString(Output);
    }
}
