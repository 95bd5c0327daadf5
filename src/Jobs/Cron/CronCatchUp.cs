namespace Hypervisor.Sdk.Jobs;

/// <summary>What becomes of times that passed while nobody ran: more than a minute ago. The numbers are stored: they do not change.</summary>
public enum CronCatchUp
{
    /// <summary>One job for all of them.</summary>
    One = 0,

    /// <summary>They are skipped.</summary>
    None = 1,

    /// <summary>A job for each, at most 1,000, one after the other.</summary>
    All = 2,
}
