using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Says where the host listens, once it does: in the state directory, and on a terminal with the token. Standard output that is kept in a file gets no token.</summary>
internal sealed class Announcement(IServer server, StateDirectory state, SignInToken token) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        string address = server.Features.Get<IServerAddressesFeature>()!.Addresses.First(address => !address.Contains("unix:", StringComparison.Ordinal));
        File.SetUnixFileMode(state.ControlSocket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string secret = token.Issue();
        HostFile.OfThisProcess(address).Write(state.HostFile);
        Console.WriteLine(Console.IsOutputRedirected
            ? $"Listening at {address}. The sign-in token is in {state.SignInToken}."
            : $"Listening. Sign in within {SignInToken.Lifetime.TotalMinutes:0} minutes:\n\n  {address}/#token={secret}\n\nCtrl-C ends the host; the machines go on running.");
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        File.Delete(state.HostFile);
        File.Delete(state.SignInToken);
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
