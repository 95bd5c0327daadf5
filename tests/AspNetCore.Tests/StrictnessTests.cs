using System.Net;
using System.Text;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>What is not understood is refused by name, before anything is done.</summary>
public sealed class StrictnessTests
{
    [Theory]
    [InlineData("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":"two","memory":1}}""", "sizing.cpus", "two")]
    [InlineData("""{"kind":"virtualMachine","name":7,"sizing":{"kind":"explicit","cpus":1,"memory":1}}""", "name", "7")]
    [InlineData("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":"lots"}}""", "sizing.memory", "lots")]
    [InlineData("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"disks":[{"content":{"kind":"blank","size":-1}}]}""", "disks[0].content.size", "-1")]
    [InlineData("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"labels":{"a":1}}""", "labels.a", "1")]
    public async Task A_wrong_type_is_refused_with_the_field_and_the_value(string body, string field, string value)
    {
        await using var host = await ApiHost.StartAsync();
        var (response, problem) = await host.PostAsync("/instances/local", body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("invalid-argument", (string?)problem["code"]);
        Assert.Equal("notSent", (string?)problem["outcome"]);
        string said = (string)problem["fieldErrors"]![field]!;
        Assert.Contains(value, said, StringComparison.Ordinal);
        Assert.Empty(host.Backend.Requests);
    }

    [Theory]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"memroy":1}""", "memroy")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1,"sockets":2}}""", "sizing.sockets")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"extensions":{"nope":{"a":1}}}""", "extensions.nope")]
    [InlineData("/instances/local/web/plan", """{"extensions":{"nope":{"a":1}}}""", "extensions.nope")]
    [InlineData("/instances/local/web/stop", """{"grace":1}""", "grace")]
    [InlineData("/instances/local/web/stop", """{"gracePeriod":-1}""", "gracePeriod")]
    [InlineData("/instances/local/web/restart", """{"gracePeriod":-1}""", "gracePeriod")]
    [InlineData("/instances/local/web/stop", """{"gracePeriod":86401}""", "gracePeriod")]
    [InlineData("/instances/local/web/snapshots", """{"name":"s","x":{}}""", "x")]
    [InlineData("/instances/local/web/commands", """{"command":["ls"],"shell":true}""", "shell")]
    [InlineData("/storage/local/pools/main/volumes", """{"name":"a","size":1,"colour":"red"}""", "colour")]
    public async Task An_unknown_field_or_an_impossible_value_is_refused_by_its_name(string path, string body, string field)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        var (response, problem) = await host.PostAsync(path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal([field], problem["fieldErrors"]!.AsObject().Select(error => error.Key));
        Assert.Empty(host.Backend.Requests);
    }

    [Theory]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"\ud800","sizing":{"kind":"explicit","cpus":1,"memory":1}}""", "name")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":"\ud800"}}""", "sizing.memory")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"firmware":"\ud800"}""", "firmware")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"extensions":{"\ud800":{}}}""", "extensions")]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"labels":{"\ud800":"x"}}""", null)]
    [InlineData("/instances/local", """{"kind":"\ud800","name":"web"}""", null)]
    [InlineData("/instances/local", """{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1},"\ud800":1}""", null)]
    [InlineData("/instances/local", """{"\ud800":1,"kind":"virtualMachine","name":7}""", null)]
    [InlineData("/storage/local/pools/main/volumes", """{"\ud800":"x","name":"a","size":1}""", null)]
    [InlineData("/storage/local/pools/main/volumes", """{"name":"\ud800","size":1}""", "name")]
    [InlineData("/backends", """{"name":"x","kind":"y","settings":{"password":"\ud800"}}""", null)]
    public async Task Half_a_character_is_refused_wherever_it_is(string path, string body, string? field)
    {
        await using var host = await ApiHost.StartAsync();
        var (response, problem) = await host.PostAsync(path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("invalid-argument", (string?)problem["code"]);
        if (field is not null)
            Assert.Equal([field], problem["fieldErrors"]!.AsObject().Select(error => error.Key));
        Assert.Empty(host.Backend.Requests);
    }

    [Theory]
    [InlineData("""{"kind":"virtualMachine","name":"web"}""")]
    [InlineData("""{"kind":"nonesuch","name":"web"}""")]
    [InlineData("""{"name":"web"}""")]
    [InlineData("""{"kind":"virtualMachine","name":"web","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1}}""")]
    [InlineData("""[1]""")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":1,"memory":1}} extra""")]
    [InlineData("")]
    public async Task What_is_no_acceptable_body_is_refused(string body)
    {
        await using var host = await ApiHost.StartAsync();
        var (response, problem) = await host.PostAsync("/instances/local", body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("invalid-argument", (string?)problem["code"]);
        Assert.Empty(host.Backend.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("-rf")]
    [InlineData("a\\r\\nSet-Cookie: x=1")]
    [InlineData("a\\u0000b")]
    [InlineData("\\u202Eevil")]
    public async Task A_name_that_could_be_mistaken_is_refused_and_never_reaches_a_header(string name)
    {
        await using var host = await ApiHost.StartAsync();
        var (response, problem) = await host.PostAsync("/instances/local", $$$"""{"kind":"virtualMachine","name":"{{{name}}}","sizing":{"kind":"explicit","cpus":1,"memory":1}}""");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.NotNull(problem["fieldErrors"]!["name"]);
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task An_id_with_line_breaks_in_the_path_does_not_break_a_header()
    {
        await using var host = await ApiHost.StartAsync();
        foreach (string path in new[] { "/instances/local/a%0d%0aX-Evil:%201/start", "/storage/local/volumes/a%0d%0aX-Evil:%201" })
        {
            var (response, _) = await host.SendAsync(path.EndsWith("start", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, path);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.False(response.Headers.Contains("X-Evil"));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_is_too_large_is_413_whether_or_not_it_says_its_length(bool saysLength)
    {
        await using var host = await ApiHost.StartAsync(options => options.MaxBodyBytes = 4096);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/instances/local");
        string body = $$$"""{"kind":"virtualMachine","name":"web","description":"{{{new string('x', 5000)}}}","sizing":{"kind":"explicit","cpus":1,"memory":1}}""";
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.TransferEncodingChunked = !saysLength;
        var response = await host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Empty(host.Backend.Requests);
    }

    [Fact]
    public async Task A_body_that_is_not_json_is_415_and_one_where_none_belongs_is_400()
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        var token = TestContext.Current.CancellationToken;
        using var form = new FormUrlEncodedContent([new("name", "web")]);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await host.Http.PostAsync("/api/v1/instances/local", form, token)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.PostAsync("/instances/local/web/start", "{}")).Response.StatusCode);
    }

    [Theory]
    [InlineData("/instances?colour=red", "colour")]
    [InlineData("/instances?limit=0", "limit")]
    [InlineData("/instances?limit=1001", "limit")]
    [InlineData("/instances?limit=1&limit=2", "limit")]
    [InlineData("/instances?template=perhaps", "template")]
    [InlineData("/instances?state=Not%20A%20State", "state")]
    [InlineData("/instances?continuation=%25%25", "continuation")]
    [InlineData("/instances?continuation=bm9uc2Vuc2U", "continuation")]
    [InlineData("/instances/local/web/console/log?tail=-1", "tail")]
    [InlineData("/instances/NOT_A_BACKEND/web", "backend")]
    public async Task A_query_parameter_that_is_unknown_or_wrong_is_refused_by_name(string path, string field)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        var (response, problem) = await host.GetAsync(path);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal([field], problem["fieldErrors"]!.AsObject().Select(error => error.Key));
    }

    [Theory]
    [InlineData("Idempotency-Key", "not-a-uuid")]
    [InlineData("If-Match", "r1")]
    [InlineData("If-Match", "\"a\", \"b\"")]
    [InlineData("Prefer", "wait=soon")]
    public async Task A_header_that_makes_no_sense_is_refused_by_name(string header, string value)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web");
        var (response, problem) = await host.PostAsync("/instances/local/web/start", null, (header, value));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal([header], problem["fieldErrors"]!.AsObject().Select(error => error.Key));
        Assert.Empty(host.Backend.Requests);
    }

    [Fact]
    public async Task A_value_that_may_be_a_secret_is_not_repeated()
    {
        await using var host = await ApiHost.StartAsync();
        var (response, problem) = await host.PostAsync("/backends", """{"name":"x","kind":"y","settings":{"password":["hunter2"]}}""");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.DoesNotContain("hunter2", problem.ToJsonString(), StringComparison.Ordinal);
    }
}
