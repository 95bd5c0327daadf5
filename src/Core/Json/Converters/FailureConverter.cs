using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>A failure as <see cref="FailureForm"/>. The stack and the cause stay where they happened.</summary>
internal sealed class FailureConverter<T> : JsonConverter<T>
    where T : HypervisorException
{
    private const string Connection = "connection";
    private const string Protocol = "protocol";
    private const string Call = "call";

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<FailureForm>)options.GetTypeInfo(typeof(FailureForm)))!;
        var failure = form.Type switch
        {
            Connection => new BackendConnectionException(form.Message, form.Code, form.Outcome)
            {
                Backend = form.Backend, Resource = form.Resource, BackendCode = form.BackendCode, BackendMessage = form.BackendMessage, FieldErrors = form.FieldErrors, RetryAfter = form.RetryAfter,
            },
            Protocol => new BackendProtocolException(form.Message, form.Code, form.Outcome)
            {
                Backend = form.Backend, Resource = form.Resource, BackendCode = form.BackendCode, BackendMessage = form.BackendMessage, FieldErrors = form.FieldErrors, RetryAfter = form.RetryAfter,
            },
            _ => new HypervisorException(form.Message, form.Code, form.Outcome)
            {
                Backend = form.Backend, Resource = form.Resource, BackendCode = form.BackendCode, BackendMessage = form.BackendMessage, FieldErrors = form.FieldErrors, RetryAfter = form.RetryAfter,
            },
        };
        UnknownFields.Copy(form, failure);
        return failure as T ?? throw new JsonException($"A failure of the type '{form.Type}' is no {typeof(T).Name}.");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        var form = new FailureForm
        {
            Type = value switch
            {
                BackendConnectionException => Connection,
                BackendProtocolException => Protocol,
                _ => Call,
            },
            Message = value.Message, Code = value.Code, Outcome = value.Outcome, Backend = value.Backend, Resource = value.Resource, BackendCode = value.BackendCode, BackendMessage = value.BackendMessage,
            FieldErrors = value.FieldErrors?.ToDictionary(), RetryAfter = value.RetryAfter,
        };
        UnknownFields.Copy(value, form);
        JsonSerializer.Serialize(writer, form, (JsonTypeInfo<FailureForm>)options.GetTypeInfo(typeof(FailureForm)));
    }
}
