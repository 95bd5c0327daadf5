namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>What a step does.</summary>
internal enum ModelOperation
{
    /// <summary>Creates the instance.</summary>
    Create,

    /// <summary>Sends the last create of the instance again, under its request id.</summary>
    CreateAgain,

    /// <summary>Starts it.</summary>
    Start,

    /// <summary>Switches it off.</summary>
    Stop,

    /// <summary>Restarts it.</summary>
    Restart,

    /// <summary>Pauses it.</summary>
    Pause,

    /// <summary>Lets it go on.</summary>
    Resume,

    /// <summary>Presses its reset button.</summary>
    Reset,

    /// <summary>Sets a label to another value.</summary>
    Label,

    /// <summary>Applies a plan that another change has overtaken.</summary>
    StalePlan,

    /// <summary>Deletes it.</summary>
    Delete,

    /// <summary>Stops and deletes it.</summary>
    DeleteRunning,

    /// <summary>Ends what runs it, from outside. Not among what a backend is generated, as not every target can do it: <see cref="ModelRun.OperationsOf"/>.</summary>
    Crash,
}
