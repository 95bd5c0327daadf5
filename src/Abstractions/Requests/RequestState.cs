namespace Hypervisor.Sdk;

/// <summary>What a backend knows of a request.</summary>
public enum RequestState
{
    /// <summary>The backend keeps a log that would contain it, and does not: it did not happen.</summary>
    NeverSeen,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Happened.</summary>
    Succeeded,

    /// <summary>Tried, and undone or left as the error said.</summary>
    Failed,

    /// <summary>Too long ago: the backend no longer keeps what it would have to look at.</summary>
    Expired,
}
