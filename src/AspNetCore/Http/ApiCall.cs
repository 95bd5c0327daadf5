using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One request: what a handler reads from it, strictly, and how it answers.</summary>
internal sealed class ApiCall(HttpContext http, ApiServices services)
{
    private const int MaxWaitSeconds = 60;

    public HttpContext Http => http;

    public ApiServices Services => services;

    public CancellationToken Aborted => http.RequestAborted;

    public BackendName Backend => Route<BackendName>("backend");

    public InstanceId Instance => Route<InstanceId>("id");

    /// <summary>A value of the path. The server leaves an escaped slash alone, so it is put back here: ids may contain one.</summary>
    public T Route<T>(string name)
        where T : struct, ISpanParsable<T> => ParseText<T>(name, RouteText(name));

    public string RouteText(string name) => ((string)http.Request.RouteValues[name]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    public T? Query<T>(string name)
        where T : struct, ISpanParsable<T> => QueryText(name) is { } text ? ParseText<T>(name, text) : null;

    public string? QueryText(string name)
    {
        var values = http.Request.Query[name];
        return values.Count switch
        {
            0 => null,
            1 => values[0],
            _ => throw RequestRefusedException.Field(name, $"The query parameter '{name}' is there {values.Count} times."),
        };
    }

    public bool? QueryFlag(string name) => QueryText(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        var other => throw RequestRefusedException.Field(name, $"The query parameter '{name}' is '{Echo.Short(other)}' and not true or false."),
    };

    public int QueryCount(string name, int min, int max, int byDefault)
    {
        if (QueryText(name) is not { } text)
            return byDefault;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw RequestRefusedException.Field(name, $"The query parameter '{name}' is '{Echo.Short(text)}' and not a number from {min} to {max}.");
    }

    public Task<T> ReadAsync<T>()
        where T : class => RequestBody.ReadAsync(http.Request, services.Json.Strict<T>(), services.Options.MaxBodyBytes);

    public Task<T?> ReadOptionalAsync<T>()
        where T : class => RequestBody.ReadOptionalAsync(http.Request, services.Json.Strict<T>(), services.Options.MaxBodyBytes);

    /// <summary>What the headers say about a call that changes something: Idempotency-Key and If-Match. A fencing token is said by the host within the process, and by nobody from outside.</summary>
    public RequestOptions ReadRequest() => new()
    {
        RequestId = Header("Idempotency-Key") is { } key ? ParseText<RequestId>("Idempotency-Key", key.Trim('"')) : RequestId.New(services.Time),
        FencingToken = http.Features.Get<FencedRequest>()?.Token,
        IfRevision = Header("If-Match") is { } match and not "*" ? ParseText<Revision>("If-Match", EntityTag.Read(match)) : null,
    };

    public async Task<IBackend> GetBackendAsync() => await services.Registry.GetAsync(Backend, Aborted).ConfigureAwait(false);

    /// <summary>A feature of the backend that the path names; 422 when it has none.</summary>
    public async Task<TService> GetServiceAsync<TService>()
        where TService : class => (await GetBackendAsync().ConfigureAwait(false)).Get<TService>();

    /// <summary>The role that answers for the instance that the path names.</summary>
    public async Task<ICompute> GetComputeAsync() => await ComputeRoles.ForInstanceAsync(await GetBackendAsync().ConfigureAwait(false), Instance, Aborted).ConfigureAwait(false);

    public Task WriteAsync<T>(T value, int status = StatusCodes.Status200OK) => WriteAsync(writer => JsonSerializer.Serialize(writer, value, services.Json.Info<T>()), status);

    public Task WriteLocatedAsync<T>(T value) => WriteAsync(writer => Located.Write(services.Json, writer, Backend, value));

    /// <summary>Writes a list that belongs to one backend.</summary>
    public Task WriteListAsync<T>(IEnumerable<T> items, string? continuation = null, IReadOnlyCollection<HypervisorException>? unreachable = null) => WriteAsync(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("items");
        foreach (var item in items)
            JsonSerializer.Serialize(writer, item, services.Json.Info<T>());
        writer.WriteEndArray();
        if (continuation is not null)
            writer.WriteString("continuation", continuation);
        Unreachable.Write(writer, unreachable ?? []);
        writer.WriteEndObject();
    });

    public async Task WriteAsync(Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        using (var writer = new Utf8JsonWriter(response.BodyWriter))
            write(writer);
        await response.BodyWriter.FlushAsync(Aborted).ConfigureAwait(false);
    }

    /// <summary>Begins work and answers 202 with the operation, or 200 with the finished one when the caller prefers to wait and it is done in time.</summary>
    public async Task AnswerAsync<TOperation>(Func<RequestOptions, Task<TOperation>> begin)
        where TOperation : Operation
    {
        services.Operations.EnsureRoom();
        var wait = ReadWait();
        var operation = services.Operations.Track(await begin(ReadRequest()).ConfigureAwait(false));
        await AnswerAsync(operation, wait).ConfigureAwait(false);
    }

    public async Task AnswerAsync(TrackedOperation operation, TimeSpan wait)
    {
        bool finished = wait > TimeSpan.Zero && await operation.WaitAsync(wait, Aborted).ConfigureAwait(false);
        http.Response.Headers.Location = $"{ApiServices.PathOf(http)}/operations/{operation.Id}";
        if (wait > TimeSpan.Zero)
            http.Response.Headers["Preference-Applied"] = string.Create(CultureInfo.InvariantCulture, $"wait={(int)wait.TotalSeconds}");
        var document = await operation.ReadAsync(Aborted).ConfigureAwait(false);
        await WriteAsync(document.Write, finished ? StatusCodes.Status200OK : StatusCodes.Status202Accepted).ConfigureAwait(false);
    }

    public Task SendBytesAsync(NativeDocument document)
    {
        http.Response.ContentType = document.MediaType;
        http.Response.ContentLength = document.Content.Length;
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.Body.WriteAsync(document.Content, Aborted).AsTask();
    }

    public async Task SendStreamAsync(Stream content, string contentType)
    {
        await using (content.ConfigureAwait(false))
        {
            http.Response.ContentType = contentType;
            http.Response.Headers.CacheControl = "no-store";
            await content.CopyToAsync(http.Response.Body, Aborted).ConfigureAwait(false);
        }
    }

    /// <summary>RFC 7240: <c>Prefer: wait=10</c>, among other preferences, which are ignored.</summary>
    public TimeSpan ReadWait()
    {
        foreach (string? line in http.Request.Headers["Prefer"])
        {
            foreach (var part in (line ?? "").Split([',', ';']))
            {
                var preference = part.AsSpan().Trim();
                if (!preference.StartsWith("wait=", StringComparison.OrdinalIgnoreCase))
                    continue;
                return int.TryParse(preference["wait=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
                    ? TimeSpan.FromSeconds(Math.Min(seconds, MaxWaitSeconds))
                    : throw RequestRefusedException.Field("Prefer", $"The header Prefer says '{Echo.Short(part)}': wait is a whole number of seconds.");
            }
        }

        return TimeSpan.Zero;
    }

    public static T ParseText<T>(string field, string text)
        where T : struct, ISpanParsable<T>
    {
        try
        {
            return T.Parse(text, CultureInfo.InvariantCulture);
        }
        catch (FormatException failure)
        {
            throw RequestRefusedException.Field(field, failure.Message);
        }
    }

    private string? Header(string name)
    {
        var values = http.Request.Headers[name];
        return values.Count switch
        {
            0 => null,
            1 => values[0],
            _ => throw RequestRefusedException.Field(name, $"The header {name} is there {values.Count} times."),
        };
    }
}
