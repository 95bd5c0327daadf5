using System.Buffers;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// Makes CD images by a program of the system, for who wants another builder than <see cref="IsoImage"/>: genisoimage, mkisofs, xorrisofs, or xorriso, which is told to be like them. The names on the image are the files' own, by Rock Ridge
/// and by Joliet.
/// </summary>
public sealed class IsoBuilder
{
    private const int MaxImageBytes = 1 << 30;

    private readonly string _program;

    /// <summary>Takes a program.</summary>
    /// <param name="program">A path, or a name that is looked up in PATH, of one of <see cref="Programs"/>.</param>
    /// <exception cref="ArgumentException">It is none of them.</exception>
    public IsoBuilder(string program)
    {
        ArgumentException.ThrowIfNullOrEmpty(program);
        if (!Programs.Contains(Path.GetFileName(program)))
            throw new ArgumentException($"'{program}' is not a builder that is known: {string.Join(", ", Programs)}.", nameof(program));
        _program = program;
    }

    /// <summary>The names of the programs that are known.</summary>
    public static IReadOnlyList<string> Programs { get; } = ["genisoimage", "mkisofs", "xorrisofs", "xorriso"];

    /// <summary>Makes an image.</summary>
    /// <param name="label">The name of the volume: as for <see cref="IsoImage.Create"/>.</param>
    /// <param name="files">What is on it: as for <see cref="IsoImage.Create"/>. They lie in a private directory, which nobody else can read, while the program runs.</param>
    /// <param name="cancellationToken">Ends the program; nothing is left.</param>
    /// <returns>The bytes, which differ from one run to the next by their dates.</returns>
    /// <exception cref="ArgumentException">A label or a name breaks its rule.</exception>
    /// <exception cref="HypervisorException">The program cannot be started (<see cref="ErrorCode.Unavailable"/>) or fails: its own words are in the message.</exception>
    public async Task<byte[]> CreateAsync(string label, IReadOnlyList<IsoFile> files, CancellationToken cancellationToken = default)
    {
        IsoImage.Check(label, files);
        // Made for its owner alone (0700).
        var directory = Directory.CreateTempSubdirectory("hvsdk-iso-");
        try
        {
            foreach (var file in files)
            {
                var stream = new FileStream(Path.Combine(directory.FullName, file.Name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write });
                await using (stream.ConfigureAwait(false))
                    await stream.WriteAsync(file.Content, cancellationToken).ConfigureAwait(false);
            }

            return await RunAsync(label, directory.FullName, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async Task<byte[]> RunAsync(string label, string directory, CancellationToken cancellationToken)
    {
        // Without a place for the image all of them write it to their standard output.
        string[] arguments = ["-quiet", "-V", label, "-J", "-joliet-long", "-r", directory];
        if (Path.GetFileName(_program) == "xorriso")
            arguments = ["-as", "mkisofs", .. arguments];
        var options = new ProcessOptions { Program = _program, Arguments = arguments, NonZeroExitFails = false, ExitGrace = TimeSpan.Zero, Environment = { ["LC_ALL"] = "C" } };
        var process = Start(options);
        await using (process.ConfigureAwait(false))
        {
            await process.Output.CompleteAsync().ConfigureAwait(false);
            var image = new ArrayBufferWriter<byte>();
            while (true)
            {
                var read = await process.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (image.WrittenCount + read.Buffer.Length > MaxImageBytes)
                    throw new HypervisorException($"{_program} wrote more than {MaxImageBytes} bytes.", ErrorCode.Protocol, RequestOutcome.Unknown);
                foreach (var segment in read.Buffer)
                    image.Write(segment.Span);
                process.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }

            int code = await process.Exited.WaitAsync(cancellationToken).ConfigureAwait(false);
            return code == 0 && image.WrittenCount > 0
                ? image.WrittenSpan.ToArray()
                : throw new HypervisorException($"{_program} made no image and ended with {code}: {process.ErrorText.Trim()}", ErrorCode.Unspecified, RequestOutcome.Rejected) { BackendMessage = process.ErrorText.Trim() };
        }
    }

    private ProcessConnection Start(ProcessOptions options)
    {
        try
        {
            return ProcessConnection.Start(options);
        }
        catch (ConnectException error)
        {
            throw new HypervisorException($"{_program} cannot be started: {error.Message} Install it (Debian: genisoimage or xorriso), or make the image by {nameof(IsoImage)}.", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }
    }
}
