using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>An operation as the API shows it.</summary>
internal sealed record OperationDocument(string Id, OperationProgress Progress, RequestId RequestId, JsonElement? Result)
{
    public bool IsFinished => Progress.State != OperationState.Running;

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", Id);
        writer.WriteString("state", JsonNamingPolicy.CamelCase.ConvertName(Progress.State.ToString()));
        if (Progress.Fraction is { } fraction)
            writer.WriteNumber("fraction", fraction);
        if (Progress.Stage is { } stage)
            writer.WriteString("stage", stage);
        if (Progress.Error is { } error)
        {
            writer.WritePropertyName("error");
            ProblemDocument.Write(writer, error);
        }

        if (Result is { } result)
        {
            writer.WritePropertyName("result");
            result.WriteTo(writer);
        }

        if (!RequestId.IsDefault)
            writer.WriteString("requestId", RequestId.ToString());
        writer.WriteEndObject();
    }
}
