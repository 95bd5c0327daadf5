namespace Hypervisor.Sdk;

/// <summary>Whether a call that failed may have had its effect. It decides whether repeating is safe.</summary>
public enum RequestOutcome
{
    /// <summary>Nothing reached the backend: repeating is safe.</summary>
    NotSent,

    /// <summary>The backend answered no and changed nothing: repeating is safe, and useful when the cause is gone.</summary>
    Rejected,

    /// <summary>No answer came: it may have happened. Look the request up before repeating.</summary>
    Unknown,

    /// <summary>It began and did not finish, and something may be left behind: look before repeating.</summary>
    FailedMidway,
}
