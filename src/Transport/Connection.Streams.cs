namespace Hypervisor.Sdk.Transport;

/// <content>Connections of streams that somebody else has opened.</content>
public abstract partial class Connection
{
    /// <summary>Makes a connection of two streams, one for each direction: the standard input and output of this program, for example. The connection owns both; its end disposes the one that is written.</summary>
    /// <param name="input">What the peer sends.</param>
    /// <param name="output">What is sent to the peer.</param>
    /// <param name="endpoint">What to call the peer in messages.</param>
    /// <param name="options">Buffers; null for the defaults.</param>
    /// <exception cref="ArgumentException">The streams do not read and write, the name is empty, or an option is out of range.</exception>
    public static Connection FromStreams(Stream input, Stream output, string endpoint, ConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentException.ThrowIfNullOrEmpty(endpoint);
        if (!input.CanRead || !output.CanWrite)
            throw new ArgumentException("A connection needs a stream that reads and one that writes.", input.CanRead ? nameof(output) : nameof(input));
        options ??= ConnectionOptions.Default;
        options.Validate();
        return new StreamConnection(new StreamPair(input, output), null, endpoint, options, output.DisposeAsync);
    }
}
