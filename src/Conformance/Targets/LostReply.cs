namespace Hypervisor.Sdk.Conformance;

/// <summary>When a reply is lost.</summary>
public enum LostReply
{
    /// <summary>The request never arrived: nothing happened, and the caller cannot know.</summary>
    BeforeEffect,

    /// <summary>The request was carried out, and the answer never arrived.</summary>
    AfterEffect,
}
