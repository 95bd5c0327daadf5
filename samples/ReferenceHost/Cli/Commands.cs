using System.Net.Sockets;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The commands. Exit codes: 0 done, 1 failed, 2 the words make no sense.</summary>
internal static class Commands
{
    private static readonly TimeSpan s_hostEnds = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] words, Func<HostOptions, StateDirectory, WebApplication> build)
    {
        if (!HostOptions.TryParse(words, out var options, out string? problem))
        {
            await Console.Error.WriteLineAsync($"{problem}\n\n{HostOptions.Usage}");
            return 2;
        }

        try
        {
            return options.Command switch
            {
                HostCommand.Help => Help(),
                HostCommand.Prepare => Prepare(options),
                HostCommand.Token => await TokenAsync(options),
                HostCommand.Stop => await StopAsync(options, build),
                HostCommand.Reset => await ResetAsync(options, build),
                _ => await ServeAsync(options, build),
            };
        }
        catch (Exception failure) when (failure is IOException or SocketException or HttpRequestException or UnauthorizedAccessException or HypervisorException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync(failure.Message);
            return 1;
        }
    }

    private static int Help()
    {
        Console.WriteLine(HostOptions.Usage);
        return 0;
    }

    private static int Prepare(HostOptions options)
    {
        StateDirectory.Prepare(options.State);
        return 0;
    }

    private static async Task<int> ServeAsync(HostOptions options, Func<HostOptions, StateDirectory, WebApplication> build)
    {
        using var state = Open(options);

        // A host that was killed leaves its socket behind; the lock says that nobody listens on it.
        File.Delete(state.ControlSocket);
        await using var app = build(options, state);
        await app.RunAsync();
        return 0;
    }

    private static async Task<int> TokenAsync(HostOptions options)
    {
        using var control = new ControlClient(options.State);
        Console.WriteLine(await control.IssueTokenAsync() ?? throw new IOException($"No host serves from {options.State}."));
        return 0;
    }

    private static async Task<int> StopAsync(HostOptions options, Func<HostOptions, StateDirectory, WebApplication> build)
    {
        if (!Directory.Exists(options.State))
        {
            Console.WriteLine($"There is no {options.State}: nothing runs from it.");
            return 0;
        }

        await EndSimulationAsync(options);
        if (!StateDirectory.IsOurs(options.State))
            return Foreign(options);
        using var state = await EndHostAsync(options.State);
        if (!Directory.Exists(state.Machines))
            return 0;
        await using var app = build(options, state);
        int stopped = await Machines.StopAllAsync(app.Services.GetRequiredService<IBackendRegistry>());
        Console.WriteLine($"Machines that ran and are stopped: {stopped}.");
        return 0;
    }

    private static async Task<int> ResetAsync(HostOptions options, Func<HostOptions, StateDirectory, WebApplication> build)
    {
        if (!Directory.Exists(options.State))
            return 0;
        if (!StateDirectory.IsOurs(options.State))
            return Foreign(options);
        if (!options.Yes && !Ask($"Delete all machines and what the host keeps in {options.State}?"))
            return 1;
        await EndSimulationAsync(options);
        using var state = await EndHostAsync(options.State);
        if (Directory.Exists(state.Machines))
        {
            await using var app = build(options, state);
            await Machines.DeleteAllAsync(app.Services.GetRequiredService<IBackendRegistry>());
        }

        if (state.Delete() is { Count: > 0 } left)
            Console.WriteLine($"{options.State} stays, because no host put this there: {string.Join(", ", left)}.");
        return 0;
    }

    private static int Foreign(HostOptions options)
    {
        Console.Error.WriteLine($"{options.State} is not the state directory of a host: nothing in it was touched.");
        return 1;
    }

    /// <summary>Ends the host that ./run --simulate has begun within the state directory. Nothing of its machines is left then.</summary>
    private static async Task EndSimulationAsync(HostOptions options)
    {
        string simulation = StateDirectory.SimulationOf(options.State);
        if (!StateDirectory.IsOurs(simulation))
            return;
        using (await EndHostAsync(simulation, "simulated "))
        {
            // Only the lock is wanted: it says that the host has ended.
        }
    }

    private static bool Ask(string question)
    {
        if (Console.IsInputRedirected)
            throw new IOException("Nobody is here to ask: say --yes.");
        Console.Write(question + " [y/N] ");
        return Console.ReadLine()?.StartsWith("y", StringComparison.OrdinalIgnoreCase) == true;
    }

    private static StateDirectory Open(HostOptions options)
    {
        try
        {
            return StateDirectory.Open(options.State);
        }
        catch (IOException) when (HostFile.ReadAddress(Path.Combine(options.State, "host.json")) is { } address)
        {
            throw new IOException($"A host serves from {options.State} already, at {address}.");
        }
    }

    /// <summary>Asks the host that serves to end, and waits until it has given the directory back.</summary>
    private static async Task<StateDirectory> EndHostAsync(string path, string kind = "")
    {
        using (var control = new ControlClient(path))
            Console.WriteLine(await control.StopAsync() ? $"The {kind}host is told to end." : $"No {kind}host runs.");
        using var patience = new CancellationTokenSource(s_hostEnds);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            try
            {
                return StateDirectory.Open(path);
            }
            catch (IOException) when (!patience.IsCancellationRequested)
            {
                await pause.WaitForNextTickAsync(CancellationToken.None);
            }
        }
    }
}
