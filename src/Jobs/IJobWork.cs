namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// Implemented by a handler beside <see cref="IJobHandler{TArgs, TResult}"/>: says what its jobs do to which backend. When a job is made, the engine asks the <see cref="ILaneHints"/> of that backend
/// which lanes this takes, and the job holds them beside its own: what the backend would refuse for a lock waits here instead. Keys begin with the name of the backend, <c>lab/instance:100</c>; where one
/// is named several times the strictest mode, the largest weight and the smallest capacity hold. Of a backend without hints, each instance named is a lane of its own, held exclusively.
/// </summary>
/// <typeparam name="TArgs">The arguments.</typeparam>
public interface IJobWork<TArgs>
{
    /// <summary>What a job with these arguments does.</summary>
    IEnumerable<BackendWork> GetWork(TArgs args);
}
