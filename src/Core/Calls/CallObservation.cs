using System.Diagnostics;

namespace Hypervisor.Sdk;

/// <summary>One call as those who listen see it, from its begin to its end.</summary>
internal sealed class CallObservation : IDisposable
{
    private readonly CallPipeline _pipeline;
    private readonly Activity? _activity;
    private readonly TagList _tags;
    private readonly long _started;
    private Exception? _failure;

    public CallObservation(CallPipeline pipeline, in Call call)
    {
        _pipeline = pipeline;
        _tags = new() { { "hvsdk.backend", pipeline.Backend.ToString() }, { "hvsdk.kind", pipeline.Kind }, { "hvsdk.call", call.Name } };
        _started = pipeline.Time.GetTimestamp();
        _activity = CallTelemetry.Start(call.Name, pipeline.Backend, pipeline.Kind, call.Instance, call.Request?.RequestId);
        CallTelemetry.Active.Add(1, _tags);
    }

    public ActivityContext Context => _activity?.Context ?? default;

    public void Fail(Exception exception) => _failure = exception;

    public void Dispose()
    {
        CallTelemetry.Active.Add(-1, _tags);
        CallTelemetry.Calls.Add(1, _tags);
        CallTelemetry.Duration.Record(_pipeline.Time.GetElapsedTime(_started).TotalSeconds, _tags);
        if (_failure is not null)
        {
            CallTelemetry.Fail(_activity, _failure);
            var tags = _tags;
            tags.Add("hvsdk.code", CallTelemetry.CodeOf(_failure));
            CallTelemetry.Errors.Add(1, tags);
        }

        _activity?.Dispose();
    }
}
