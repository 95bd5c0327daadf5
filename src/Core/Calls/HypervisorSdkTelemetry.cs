namespace Hypervisor.Sdk;

/// <summary>What to listen to.</summary>
/// <remarks>
/// Spans: one for each call (<c>compute.start</c>) and one for the work that it began (<c>compute.start operation</c>), with the tags <c>hvsdk.backend</c>, <c>hvsdk.kind</c>, <c>hvsdk.instance</c>,
/// <c>hvsdk.request_id</c>, and on failure <c>hvsdk.code</c> and <c>hvsdk.outcome</c>. The span of work ends when somebody who waits for the work, or asks how far it is, is told its end.
/// Instruments: <c>hvsdk.calls</c> and <c>hvsdk.call.errors</c> (counts), <c>hvsdk.call.duration</c> (seconds), <c>hvsdk.calls.active</c>. No message, name, command or content is ever part of either.
/// </remarks>
public static class HypervisorSdkTelemetry
{
    /// <summary>The name of the activity source.</summary>
    public const string ActivitySourceName = "Hypervisor.Sdk";

    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Hypervisor.Sdk";
}
