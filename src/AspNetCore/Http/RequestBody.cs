using System.Buffers;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Reads a JSON body strictly: bounded before it is buffered; unknown, repeated and mistyped fields are refused by name.</summary>
internal static class RequestBody
{
    public static async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type, int maxBytes)
        where T : class
    {
        byte[] body = await BufferAsync(request, maxBytes).ConfigureAwait(false);
        if (body.Length == 0)
            throw new RequestRefusedException(StatusCodes.Status400BadRequest, "The request has no body.", ErrorCode.InvalidArgument);
        return Parse(body, type);
    }

    /// <summary>Like <see cref="ReadAsync"/>, where leaving the body out means the default.</summary>
    public static async Task<T?> ReadOptionalAsync<T>(HttpRequest request, JsonTypeInfo<T> type, int maxBytes)
        where T : class
    {
        byte[] body = await BufferAsync(request, maxBytes).ConfigureAwait(false);
        return body.Length == 0 ? null : Parse(body, type);
    }

    public static T Parse<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new RequestRefusedException(StatusCodes.Status400BadRequest, "The request body is null.", ErrorCode.InvalidArgument);
        }
        catch (JsonException failure)
        {
            throw Refused(body, failure);
        }
        catch (Exception failure) when (failure is ArgumentException or TargetInvocationException or NotSupportedException or InvalidOperationException)
        {
            // A value that the model itself refuses to hold.
            throw new RequestRefusedException(StatusCodes.Status400BadRequest, $"The request body is not acceptable: {(failure.InnerException ?? failure).Message}", ErrorCode.InvalidArgument);
        }
    }

    public static async Task<byte[]> BufferAsync(HttpRequest request, int maxBytes)
    {
        if (request.ContentLength > maxBytes)
            throw RequestRefusedException.TooLarge(maxBytes);
        var body = new ArrayBufferWriter<byte>();
        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(request.HttpContext.RequestAborted).ConfigureAwait(false);
            if (body.WrittenCount + read.Buffer.Length > maxBytes)
                throw RequestRefusedException.TooLarge(maxBytes);
            foreach (var segment in read.Buffer)
                body.Write(segment.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }

        if (body.WrittenCount > 0 && !request.HasJsonContentType())
            throw RequestRefusedException.NotJson(request.ContentType);
        return body.WrittenSpan.ToArray();
    }

    private static RequestRefusedException Refused(ReadOnlySpan<byte> body, JsonException failure)
    {
        string field = (failure.Path ?? "$").TrimStart('$').TrimStart('.');
        string message = WithoutPosition(failure.Message);
        if (field.Length == 0)
            return new(StatusCodes.Status400BadRequest, $"The request body is not acceptable: {message}", ErrorCode.InvalidArgument);

        // Values beneath these names may be secrets that went into the wrong place.
        bool secret = field.Contains("settings", StringComparison.OrdinalIgnoreCase) || field.Contains("environment", StringComparison.OrdinalIgnoreCase);
        string? found = secret ? null : Find(body, field);
        string value = found is null || message.Contains(found.Trim('"'), StringComparison.Ordinal) ? "" : $" The value is {Echo.Short(found)}.";
        return RequestRefusedException.Field(field, $"The field '{Echo.Short(field)}' is not acceptable: {message}{value}");
    }

    /// <summary>What the serializer appends to its messages: the path, line and byte.</summary>
    private static string WithoutPosition(string message)
    {
        int at = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return at < 0 ? message : message[..at];
    }

    private static string? Find(ReadOnlySpan<byte> body, string field)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            var element = document.RootElement;
            foreach (string part in field.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries))
            {
                string name = part.Trim('\'');
                bool found = element.ValueKind switch
                {
                    JsonValueKind.Array => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < element.GetArrayLength() && Step(element[index], out element),
                    JsonValueKind.Object => element.TryGetProperty(name, out var next) && Step(next, out element),
                    _ => false,
                };
                if (!found)
                    return null;
            }

            return element.GetRawText();
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // The text is not JSON as a whole, or a name in it is half a character: there is no value to name.
            return null;
        }
    }

    private static bool Step(JsonElement next, out JsonElement element)
    {
        element = next;
        return true;
    }
}
