using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>
/// A data centre in memory: nodes, pools, networks, and what runs on them. The same seed and the same calls from <see cref="RunAsync(Func{Task})"/> give the same trace, byte for byte.
/// </summary>
/// <remarks>
/// All of it happens in one loop over a clock of its own. Code that runs by <see cref="RunAsync(Func{Task})"/> runs within the loop: while all of it waits, time jumps to what is due next. Code elsewhere may call at any
/// time, from any thread; the order of its calls is then what it is.
/// </remarks>
public sealed class SimulatedDatacenter : IAsyncDisposable
{
    private readonly World _world;
    private readonly RealTimePacer? _pacer;
    private bool _isDisposed;

    /// <summary>Makes a data centre.</summary>
    /// <param name="options">What it is made of; one node with everything when null.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    public SimulatedDatacenter(SimulationOptions? options = null)
    {
        _world = new World(options ?? new SimulationOptions());
        Backend = new SimulatedBackend(_world);
        Faults = new SimulationFaults(_world);
        if (_world.Options.Pace == SimulationPace.RealTime)
            _pacer = new RealTimePacer(_world.Loop, _world.Options.RealTimeProvider, _world.Options.TimeFactor);
    }

    /// <summary>Makes a data centre: <c>new SimulatedDatacenter(o => o.AddNode("pve1"))</c>.</summary>
    /// <param name="configure">Says what it is made of.</param>
    /// <exception cref="ArgumentException">An option is not acceptable.</exception>
    public SimulatedDatacenter(Action<SimulationOptions> configure)
        : this(Configured(configure))
    {
    }

    /// <summary>A connection to it. Disposed with the data centre.</summary>
    public IBackend Backend { get; }

    /// <summary>Its clock, which is also the time of everything that is given it.</summary>
    public SimulationClock Clock => _world.Clock;

    /// <summary>Breaks things.</summary>
    public SimulationFaults Faults { get; }

    /// <summary>Everything that has happened.</summary>
    public SimulationTrace Trace => _world.Trace;

    internal World World => _world;

    /// <summary>Another connection to it, as another process would have one. The caller disposes it.</summary>
    public IBackend Connect() => new SimulatedBackend(_world);

    /// <summary>
    /// Runs code within the simulation and returns when it has finished. Each of its awaits comes back into the loop; while all of it waits, time jumps to what is due next. What it does and what is simulated happen in one
    /// order, which the seed decides.
    /// </summary>
    /// <remarks>
    /// That holds for what stays in its context: code that leaves it for the thread pool (<c>Task.Run</c>, <c>ConfigureAwait(false)</c> behind a channel or a semaphore) comes back when it likes, and time does not wait for it.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The data centre was disposed.</exception>
    public Task RunAsync(Func<Task> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        return RunAsync(async () =>
        {
            await code().ConfigureAwait(true);
            return true;
        });
    }

    /// <summary>Runs code within the simulation and returns what it returned.</summary>
    /// <inheritdoc cref="RunAsync(Func{Task})"/>
    public Task<T> RunAsync<T>(Func<Task<T>> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var loop = _world.Loop;
        return loop.EnterAsync(async () =>
        {
            loop.Demand();
            try
            {
                Task<T>? running = null;
                loop.InContext(() => running = code());
                loop.ThrowFailure();
                // It ends in its own context; what follows goes on in the loop, outside of it.
                var ended = new TaskCompletionSource();
                _ = running!.ContinueWith(_ => loop.Post(() => ended.TrySetResult()), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                await ended.Task.ConfigureAwait(false);
                var result = await running.ConfigureAwait(false);
                loop.ThrowFailure();
                return result;
            }
            finally
            {
                loop.Undemand();
            }
        });
    }

    /// <summary>Ends every watch and every connection. What waits for an operation waits no longer.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (_pacer is not null)
            await _pacer.DisposeAsync().ConfigureAwait(false);
        await Backend.DisposeAsync().ConfigureAwait(false);
        _world.Loop.Post(_world.Events.Close);
    }

    private static SimulationOptions Configured(Action<SimulationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new SimulationOptions();
        configure(options);
        return options;
    }
}
