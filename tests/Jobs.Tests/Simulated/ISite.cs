namespace Hypervisor.Sdk.Jobs.Tests.Simulated;

/// <summary>A data centre, near or far: a request, and a line that answers it.</summary>
internal interface ISite
{
    /// <summary>What making a machine of this name does to the backend; nothing where that is not known here.</summary>
    IEnumerable<BackendWork> WorkOf(string name);

    /// <summary>Does something: <c>create</c>, <c>start</c>, <c>stop</c>, <c>delete</c>, or looks: <c>look</c> for a request, <c>state</c> of a machine. The answer begins with <c>ok</c> or <c>error</c>.</summary>
    Task<string> SendAsync(string verb, string request, string what, long token);
}
