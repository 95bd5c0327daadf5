using System.Net.Sockets;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Talks to the host that serves from a state directory, over the socket there.</summary>
internal sealed class ControlClient(string stateDirectory) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(StateDirectory.ControlSocketOf(stateDirectory)), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = new Uri("http://localhost"), Timeout = TimeSpan.FromSeconds(30) };

    /// <returns>A new token; null when no host serves.</returns>
    public async Task<string?> IssueTokenAsync()
    {
        using var response = await PostAsync("/control/token");
        return response is null ? null : await response.Content.ReadAsStringAsync();
    }

    /// <returns>False when no host serves.</returns>
    public async Task<bool> StopAsync()
    {
        using var response = await PostAsync("/control/stop");
        return response is not null;
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage?> PostAsync(string path)
    {
        if (!File.Exists(StateDirectory.ControlSocketOf(stateDirectory)))
            return null;
        try
        {
            var response = await _http.PostAsync(path, null);
            return response.EnsureSuccessStatusCode();
        }
        catch (HttpRequestException failure) when (failure.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            // The socket of a host that was killed.
            return null;
        }
    }
}
