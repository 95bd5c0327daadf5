using Hypervisor.Sdk.Simulation.Randomness;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>What runs in an instance, driven by the loop. What it can do beside booting and shutting down are its parts.</summary>
internal sealed class SimGuest
{
    private readonly List<GuestPart> _parts = [];
    private readonly LoopTimer _boot;
    private readonly LoopTimer _shutdown;
    private long _bootLeftTicks;
    private long _bootDueTicks;

    public SimGuest(World world, SimInstance instance)
    {
        World = world;
        Instance = instance;
        Random = SimulationRandom.For(world.Options.Seed, $"guest/{instance.Number}");
        IsDeaf = Random.Chance(world.Options.Guests.DeafShare);
        _boot = new LoopTimer(_ => HasBooted(), null);
        _shutdown = new LoopTimer(_ => HasShutDown(), null);
    }

    public World World { get; }

    public SimInstance Instance { get; }

    /// <summary>The numbers of this guest alone.</summary>
    public SimulationRandom Random { get; }

    /// <summary>Whether it has booted and works.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Whether it does not hear the power button.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>Whether its agent does not answer.</summary>
    public bool IsAgentSilent { get; set; }

    /// <summary>Whether it is on its way down.</summary>
    public bool IsShuttingDown => _shutdown.IsArmed;

    /// <summary>When it was switched on the last time.</summary>
    public DateTimeOffset PoweredOnAt { get; private set; }

    /// <summary>Gets a part, and makes it when it is not there.</summary>
    public T Get<T>()
        where T : GuestPart, new()
    {
        foreach (var part in _parts)
        {
            if (part is T found)
                return found;
        }

        var made = new T();
        _parts.Add(made);
        made.Attach(this);
        return made;
    }

    /// <summary>Begins to boot.</summary>
    public void PowerOn()
    {
        IsUp = false;
        PoweredOnAt = World.Clock.GetUtcNow();
        SimulationLoop.Disarm(_shutdown);
        BootWithin(World.Options.Guests.Boot.Draw(Random).Ticks);
        _parts.ForEach(static part => part.OnPowerOn());
    }

    /// <summary>Goes on from memory that was kept: nothing boots.</summary>
    public void Wake()
    {
        SimulationLoop.Disarm(_boot);
        SimulationLoop.Disarm(_shutdown);
        IsUp = true;
    }

    /// <summary>Hears the power button, if it does.</summary>
    public void PressPowerButton()
    {
        if (IsDeaf || !IsUp || IsShuttingDown)
            return;
        World.Loop.Arm(_shutdown, World.Loop.NowTicks + World.Options.Guests.Shutdown.Draw(Random).Ticks);
        _parts.ForEach(static part => part.OnShutdown());
    }

    public void SetPaused(bool isPaused)
    {
        if (isPaused && _boot.IsArmed)
        {
            _bootLeftTicks = _bootDueTicks - World.Loop.NowTicks;
            SimulationLoop.Disarm(_boot);
        }
        else if (!isPaused && _bootLeftTicks > 0)
        {
            BootWithin(_bootLeftTicks);
        }

        _parts.ForEach(part => part.OnPaused(isPaused));
    }

    public void PowerOff()
    {
        Stand();
        _parts.ForEach(static part => part.OnPowerOff());
    }

    public void Panic()
    {
        Stand();
        _parts.ForEach(static part => part.OnPanic());
    }

    private void Stand()
    {
        IsUp = false;
        _bootLeftTicks = 0;
        SimulationLoop.Disarm(_boot);
        SimulationLoop.Disarm(_shutdown);
    }

    private void BootWithin(long ticks)
    {
        _bootLeftTicks = 0;
        _bootDueTicks = World.Loop.NowTicks + ticks;
        World.Loop.Arm(_boot, _bootDueTicks);
    }

    private void HasBooted()
    {
        IsUp = true;
        World.Note("guest", Instance.Text, "up");
        Instance.Touch();
        if (Instance.Config.Networks.Any(static network => network.Address is not null))
            World.Events.Changed(Instance);
        _parts.ForEach(static part => part.OnUp());
    }

    private void HasShutDown()
    {
        World.Note("guest", Instance.Text, "down");
        World.GuestHasShutDown(Instance);
    }
}
