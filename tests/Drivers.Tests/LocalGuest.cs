using System.Diagnostics;

namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>A guest that is this machine: its commands are processes and what its agent opens are files here. It counts what is open and can be made to wait, to lie or to fail.</summary>
internal sealed class LocalGuest : ICommands, IDisposable
{
    public LocalGuest() => Files = new GuestAgentFiles(this, OpenAsync, BackendName.Parse("local"));

    public GuestAgentFiles Files { get; }

    /// <summary>A directory of the test's own.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("agent-files-").FullName;

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    /// <summary>How much of a part is written at a time.</summary>
    public int MaxWrittenBytes { get; set; } = int.MaxValue;

    /// <summary>Is awaited before what it is called for: open, read, write, flush.</summary>
    public Func<string, Task> Before { get; set; } = static _ => Task.CompletedTask;

    /// <summary>What a read answers in place of what is in the file.</summary>
    public Func<GuestAgentPart>? Lie { get; set; }

    /// <summary>What every command prints in place of what it would.</summary>
    public string? Said { get; set; }

    public async Task<CommandResult> RunAsync(InstanceId id, CommandSpec spec, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        if (Said is { } said)
            return new CommandResult { ExitCode = 0, Output = System.Text.Encoding.UTF8.GetBytes(said), Error = default };
        using var process = Process.Start(new ProcessStartInfo(spec.Command[0], spec.Command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var error = new MemoryStream();
        var reading = process.StandardError.BaseStream.CopyToAsync(error, cancellationToken);
        using var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output, cancellationToken);
        await reading;
        await process.WaitForExitAsync(cancellationToken);
        return GuestAgentExec.ResultOf(process.ExitCode, null, output.ToArray(), error.ToArray(), false, spec.MaxOutputBytes);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private async Task<IGuestAgentFile> OpenAsync(InstanceId id, string path, string mode)
    {
        await Before("open");
        var content = mode == "r" ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite) : new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1);
        Opened++;
        return new Handle(this, content);
    }

    private sealed class Handle(LocalGuest guest, FileStream content) : IGuestAgentFile
    {
        public async Task<GuestAgentPart> ReadAsync(int maxBytes)
        {
            Assert.InRange(maxBytes, 1, GuestAgentFiles.MaxPartBytes);
            await guest.Before("read");
            if (guest.Lie is { } lie)
                return lie();
            byte[] part = new byte[maxBytes];
            int count = await content.ReadAtLeastAsync(part, maxBytes, throwOnEndOfStream: false);
            return new GuestAgentPart(part.AsMemory(0, count), count < maxBytes);
        }

        public async Task<long> WriteAsync(ReadOnlyMemory<byte> bytes)
        {
            Assert.InRange(bytes.Length, 1, GuestAgentFiles.MaxPartBytes);
            await guest.Before("write");
            bytes = bytes[..Math.Min(bytes.Length, guest.MaxWrittenBytes)];
            await content.WriteAsync(bytes);
            return bytes.Length;
        }

        public async Task FlushAsync()
        {
            await guest.Before("flush");
            await content.FlushAsync();
        }

        public async Task CloseAsync()
        {
            await content.DisposeAsync();
            guest.Closed++;
        }
    }
}
