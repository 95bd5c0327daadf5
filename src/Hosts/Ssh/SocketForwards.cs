using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// The sockets of a node that are reached through a master: each is a unix socket in the session's private directory that the master serves, and stays for the next connection to the same place. The oldest goes when there are too many;
/// connections over it stay.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has nothing to release without a wait handle, and calls that wait for their turn must still get it to see that the master has ended.")]
internal sealed class SocketForwards(SshMaster master, string directory)
{
    private const int MaxForwards = 64;

    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly Dictionary<(string Host, uint Port), Forward> _forwards = [];
    private int _last;

    /// <summary>Connects to a socket of the node.</summary>
    /// <param name="host">A host, or the path of a unix socket with <see cref="MuxForward.UnixPort"/>.</param>
    /// <param name="port">The port.</param>
    /// <param name="endpoint">What to call it in messages.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<Connection> ConnectAsync(string host, uint port, string endpoint, CancellationToken cancellationToken)
    {
        string path = await PathAsync(host, port, endpoint, cancellationToken).ConfigureAwait(false);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            // The master takes every connection and asks the node then. What the node answers has come when the answer to a later question has, and the master has acted on it when it answers for itself: a connection that is ended by then
            // never was.
            await master.PingAsync(cancellationToken).ConfigureAwait(false);
            await MuxForward.GreetAsync(master.ControlPath, cancellationToken).ConfigureAwait(false);
            if (HasEnded(socket))
                throw new ConnectException(ConnectFailure.Refused, $"Connecting to {endpoint} failed: nobody listens there, or the node's sshd does not allow it. ssh said: {LastOf(master.Words)}");
            return Connection.FromSocket(socket, endpoint);
        }
        catch (Exception error) when (error is SocketException or (IOException and not ConnectException))
        {
            socket.Dispose();
            throw SshWords.Lost(master.Address, $"connecting to {endpoint}", $"{master.Words}\n{error.Message}", RequestOutcome.NotSent);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool HasEnded(Socket socket)
    {
        byte[] one = new byte[1];
        return socket.Poll(0, SelectMode.SelectRead) && socket.Receive(one, SocketFlags.Peek) == 0;
    }

    private static string LastOf(string words) => words[(words.LastIndexOf('\n') + 1)..].Trim();

    private async Task<string> PathAsync(string host, uint port, string endpoint, CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_forwards.TryGetValue((host, port), out var known))
            {
                known.LastUse = ++_last;
                return known.Path;
            }

            if (_forwards.Count == MaxForwards)
            {
                var oldest = _forwards.MinBy(entry => entry.Value.LastUse);
                _forwards.Remove(oldest.Key);
                await MuxForward.CloseAsync(master.ControlPath, oldest.Value.Path, oldest.Key.Host, oldest.Key.Port, cancellationToken).ConfigureAwait(false);
                File.Delete(oldest.Value.Path);
            }

            string path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"f{++_last}"));
            if (await MuxForward.OpenAsync(master.ControlPath, path, host, port, cancellationToken).ConfigureAwait(false) is { } reason)
                throw new ConnectException(ConnectFailure.Denied, $"Connecting to {endpoint} failed: ssh does not forward it: {reason}");
            _forwards[(host, port)] = new Forward(path) { LastUse = _last };
            return path;
        }
        catch (IOException error) when (error is not ConnectException)
        {
            throw SshWords.Lost(master.Address, $"connecting to {endpoint}", $"{master.Words}\n{error.Message}", RequestOutcome.NotSent);
        }
        finally
        {
            _opening.Release();
        }
    }

    private sealed class Forward(string path)
    {
        public string Path => path;

        public int LastUse { get; set; }
    }
}
