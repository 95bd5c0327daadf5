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
    private double _cpuSecondsBefore;
    private double _activeSince = double.NaN;
    private double _cpuSecondsAtPowerOn;
    private double _cpuSecondsCounted;
    private long _bootLeftTicks;
    private long _bootDueTicks;

    public SimGuest(World world, SimInstance instance)
    {
        World = world;
        Instance = instance;
        Random = SimulationRandom.For(world.Options.Seed, $"guest/{instance.Number}");
        IsDeaf = Random.Chance(world.Options.Guests.DeafShare);
        Load = world.Options.Guests.LoadOf?.Invoke(instance.Name) ?? world.Options.Guests.Load;
        LoadSeed = Random.Next();
        _boot = new LoopTimer(_ => HasBooted(), null);
        _shutdown = new LoopTimer(_ => HasShutDown(), null);
        if (instance.Config.Container is { Command.Count: > 0 })
            Get<ContainerProgram>();
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

    /// <summary>What it does with its CPUs and memory.</summary>
    public LoadModel Load { get; }

    /// <summary>Tells this guest's load from another's.</summary>
    public ulong LoadSeed { get; }

    /// <summary>Seconds of one CPU that each of its CPUs has used since it was made.</summary>
    public double CpuSecondsEver => double.IsNaN(_activeSince) ? _cpuSecondsBefore : _cpuSecondsBefore + CpuSeconds(SecondsNow) - CpuSeconds(_activeSince);

    /// <summary>The same since it was switched on.</summary>
    public double CpuSecondsSincePowerOn => CpuSecondsEver - _cpuSecondsAtPowerOn;

    /// <summary>What it has used since this was asked before.</summary>
    public double CountCpuSeconds()
    {
        double ever = CpuSecondsEver, since = ever - _cpuSecondsCounted;
        _cpuSecondsCounted = ever;
        return since;
    }

    /// <summary>The share of its CPUs that it uses now.</summary>
    public double CpuNow => double.IsNaN(_activeSince) ? 0 : Load.CpuAt(SecondsNow, LoadSeed);

    /// <summary>The share of its memory that it uses now.</summary>
    public double MemoryNow => Load.MemoryAt((World.Clock.GetUtcNow() - PoweredOnAt).TotalSeconds);

    /// <summary>When it was switched on the last time.</summary>
    public DateTimeOffset PoweredOnAt { get; private set; }

    /// <summary>A part, where it was made.</summary>
    public T? Find<T>()
        where T : GuestPart
    {
        foreach (var part in _parts)
        {
            if (part is T found)
                return found;
        }

        return null;
    }

    /// <summary>Gets a part, and makes it when it is not there.</summary>
    public T Get<T>()
        where T : GuestPart, new()
    {
        if (Find<T>() is { } found)
            return found;
        var made = new T();
        _parts.Add(made);
        made.Attach(this);
        return made;
    }

    /// <summary>Begins to boot.</summary>
    public void PowerOn()
    {
        IsUp = false;
        Instance.Touch();
        PoweredOnAt = World.Clock.GetUtcNow();
        Rest();
        Work();
        _cpuSecondsAtPowerOn = CpuSecondsEver;
        SimulationLoop.Disarm(_shutdown);
        // A container has no kernel to wait for.
        BootWithin(Instance.Kind == InstanceKind.Container ? 0 : World.Options.Guests.Boot.Draw(Random).Ticks);
        Tell(static part => part.OnPowerOn());
    }

    /// <summary>Boots anew, when it is on.</summary>
    public void Reboot()
    {
        if (Instance.State == PowerState.Running && IsUp)
            PowerOn();
    }

    /// <summary>Goes on from memory that was kept: nothing boots.</summary>
    public void Wake()
    {
        SimulationLoop.Disarm(_boot);
        SimulationLoop.Disarm(_shutdown);
        IsUp = true;
        Rest();
        Work();
        Instance.Touch();
    }

    /// <summary>Hears the power button, if it does.</summary>
    public void PressPowerButton()
    {
        if (!IsDeaf)
            ShutDown();
    }

    /// <summary>Somebody within it said so.</summary>
    public void ShutDown()
    {
        if (!IsUp || IsShuttingDown)
            return;
        World.Loop.Arm(_shutdown, World.Loop.NowTicks + World.Options.Guests.Shutdown.Draw(Random).Ticks);
        Tell(static part => part.OnShutdown());
    }

    public void SetPaused(bool isPaused)
    {
        Rest();
        if (!isPaused)
            Work();
        if (isPaused && _boot.IsArmed)
        {
            _bootLeftTicks = _bootDueTicks - World.Loop.NowTicks;
            SimulationLoop.Disarm(_boot);
        }
        else if (!isPaused && _bootLeftTicks > 0)
        {
            BootWithin(_bootLeftTicks);
        }

        Tell(part => part.OnPaused(isPaused));
    }

    public void PowerOff()
    {
        Stand();
        Tell(static part => part.OnPowerOff());
    }

    public void Panic()
    {
        Stand();
        Tell(static part => part.OnPanic());
    }

    private void Stand()
    {
        IsUp = false;
        Rest();
        Instance.Touch();
        _bootLeftTicks = 0;
        SimulationLoop.Disarm(_boot);
        SimulationLoop.Disarm(_shutdown);
    }

    /// <summary>Tells the parts that there are now; one that is made meanwhile sees for itself.</summary>
    private void Tell(Action<GuestPart> what)
    {
        int count = _parts.Count;
        for (int i = 0; i < count; i++)
            what(_parts[i]);
    }

    /// <summary>Its counters stand still.</summary>
    private void Rest()
    {
        _cpuSecondsBefore = CpuSecondsEver;
        _activeSince = double.NaN;
    }

    private void Work() => _activeSince = SecondsNow;

    private double CpuSeconds(double seconds) => Load.CpuSeconds(seconds, LoadSeed);

    /// <summary>Since midnight of the first day: loads go by the hour.</summary>
    private double SecondsNow => (World.Clock.GetUtcNow() - World.Options.Start.UtcDateTime.Date).TotalSeconds;

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
        Tell(static part => part.OnUp());
    }

    private void HasShutDown()
    {
        World.Note("guest", Instance.Text, "down");
        World.GuestHasShutDown(Instance);
    }
}
