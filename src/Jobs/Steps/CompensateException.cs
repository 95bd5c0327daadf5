namespace Hypervisor.Sdk.Jobs;

/// <summary>Ends a handler whose steps are undone, where it would do something new.</summary>
internal sealed class CompensateException(JobId job) : Exception($"Job {job} is being compensated: nothing new is done.");
