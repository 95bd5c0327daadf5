namespace Hypervisor.Sdk;

/// <summary>How far an operation is.</summary>
public enum OperationState
{
    /// <summary>Not finished.</summary>
    Running,

    /// <summary>Finished as asked.</summary>
    Succeeded,

    /// <summary>Finished with an error.</summary>
    Failed,

    /// <summary>Ended because somebody cancelled the work.</summary>
    Cancelled,

    /// <summary>The backend no longer says: look the request up (<see cref="IRequestLog"/>).</summary>
    Unknown,
}
