namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>Something within a guest: its console, its files, its load. Made when somebody first asks for it by <see cref="SimGuest.Get{T}"/>; told what happens to the guest, within the loop.</summary>
internal abstract class GuestPart
{
    /// <summary>The guest that it is a part of.</summary>
    public SimGuest Guest { get; private set; } = null!;

    /// <summary>It was made: for a guest that is on, <see cref="OnPowerOn"/> and <see cref="OnUp"/> are not told again.</summary>
    public virtual void OnMade()
    {
    }

    /// <summary>The guest was switched on and begins to boot.</summary>
    public virtual void OnPowerOn()
    {
    }

    /// <summary>The guest has booted.</summary>
    public virtual void OnUp()
    {
    }

    /// <summary>The guest was asked to shut down, and will.</summary>
    public virtual void OnShutdown()
    {
    }

    /// <summary>The guest stands still (true) or goes on (false).</summary>
    public virtual void OnPaused(bool isPaused)
    {
    }

    /// <summary>The guest is off.</summary>
    public virtual void OnPowerOff()
    {
    }

    /// <summary>The guest has crashed.</summary>
    public virtual void OnPanic()
    {
    }

    internal void Attach(SimGuest guest)
    {
        Guest = guest;
        OnMade();
    }
}
