using System.Text;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>What the API answered.</summary>
internal sealed record ApiAnswer(int Status, string? ContentType, string? Location, string? RetryAfter, string? PreferenceApplied, byte[] Body)
{
    /// <summary>The longest body that is kept as it is with a job.</summary>
    private const int MaxKeptBytes = 2 * 1024 * 1024;

    /// <summary>How much of each output of a command is kept then; a whole number of groups of base64.</summary>
    private const int MaxKeptChars = 256 * 1024;

    /// <summary>The same where it is not too long to be kept with its job; else with outputs that are cut, and say so.</summary>
    public ApiAnswer Bounded()
    {
        if (Body.Length <= MaxKeptBytes || JsonNode.Parse(Body) is not JsonObject result)
            return this;
        foreach (string name in new[] { "output", "error" })
        {
            if ((string?)result[name] is { Length: > MaxKeptChars } text)
                (result[name], result["isTruncated"]) = (text[..MaxKeptChars], true);
        }

        return this with { Body = Encoding.UTF8.GetBytes(result.ToJsonString()) };
    }

    /// <summary>Answers a request with it.</summary>
    public async Task WriteAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        http.Response.Headers.CacheControl = "no-store";
        if (ContentType is not null)
            http.Response.ContentType = ContentType;
        if (Location is not null)
            http.Response.Headers.Location = Location;
        if (RetryAfter is not null)
            http.Response.Headers.RetryAfter = RetryAfter;
        if (PreferenceApplied is not null)
            http.Response.Headers["Preference-Applied"] = PreferenceApplied;
        if (Status == StatusCodes.Status204NoContent)
            return;
        http.Response.ContentLength = Body.Length;
        await http.Response.Body.WriteAsync(Body, http.RequestAborted);
    }
}
