namespace Hypervisor.Sdk.Conformance;

/// <summary>What a target may be able to do beside connecting: some checks need one of these, and are skipped with the target's reason where it cannot.</summary>
public enum ConformanceAbility
{
    /// <summary>Losing the reply to a call: <see cref="ConformanceTarget.Connection"/>.</summary>
    LoseReplies,

    /// <summary>Ending a guest from outside, as a crash would: <see cref="ConformanceTarget.Guests"/>.</summary>
    CrashGuests,

    /// <summary>Making what runs a guest stop answering: <see cref="ConformanceTarget.Guests"/>.</summary>
    FreezeGuests,

    /// <summary>Cutting a node off: <see cref="ConformanceTarget.Nodes"/>.</summary>
    CutNodes,

    /// <summary>Making an instance whose guest boots and answers to an agent: <see cref="ConformanceTarget.NewGuest"/>.</summary>
    BootGuests,

    /// <summary>Making an instance whose guest does not heed the power button: <see cref="ConformanceTarget.NewDeafGuest"/>.</summary>
    DeafGuests,

    /// <summary>Making something outside the backend that a disk can be attached to: <see cref="ConformanceTarget.MakeAttachmentAsync"/>.</summary>
    AttachDisks,

    /// <summary>Seeing what runs a guest's code, the processor or an emulator: <see cref="ConformanceTarget.IsAcceleratedAsync"/>.</summary>
    SeeAcceleration,
}
