namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>What an instance must be by the contract, and what must come of a step: the reference that drivers are compared with.</summary>
internal sealed class ModelInstance
{
    /// <summary>Whether there is one.</summary>
    public bool Exists { get; private set; }

    public PowerState State { get; private set; }

    /// <summary>How often the label was set.</summary>
    public int Label { get; private set; }

    /// <summary>Whether a create was sent that could be sent again.</summary>
    public bool WasCreated { get; private set; }

    /// <summary>Takes a step.</summary>
    /// <returns>The code with which it must be refused; null when it must succeed.</returns>
    public ErrorCode? Take(ModelOperation operation)
    {
        if (operation == ModelOperation.Create)
        {
            if (Exists)
                return ErrorCode.AlreadyExists;
            (Exists, State, Label, WasCreated) = (true, PowerState.Stopped, 0, true);
            return null;
        }

        // The same request again: what it made, or nothing when it made nothing; one whose instance was deleted makes no other.
        if (operation == ModelOperation.CreateAgain)
            return WasCreated && !Exists ? ErrorCode.Conflict : null;
        if (!Exists)
            return ErrorCode.NotFound;
        bool isUp = State == PowerState.Running || State == PowerState.Paused;
        switch (operation)
        {
            case ModelOperation.Start when State == PowerState.Paused:
                return ErrorCode.InvalidState;
            case ModelOperation.Start or ModelOperation.Restart:
                State = PowerState.Running;
                return null;
            case ModelOperation.Stop:
                State = PowerState.Stopped;
                return null;
            case ModelOperation.Pause or ModelOperation.Resume or ModelOperation.Reset when !isUp:
                return ErrorCode.InvalidState;
            case ModelOperation.Pause:
                State = PowerState.Paused;
                return null;
            case ModelOperation.Resume:
                State = PowerState.Running;
                return null;
            case ModelOperation.Label:
                Label++;
                return null;
            case ModelOperation.StalePlan:
                // The change that overtakes it is made.
                Label++;
                return ErrorCode.Conflict;
            case ModelOperation.Crash when isUp:
                State = PowerState.Crashed;
                return null;
            case ModelOperation.Delete when isUp:
                return ErrorCode.InvalidState;
            case ModelOperation.Delete or ModelOperation.DeleteRunning:
                Exists = false;
                return null;
            default:
                return null;
        }
    }
}
