using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>The description says what is mapped, and what is answered is what it says.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task Every_mapped_route_is_described_and_nothing_else_is()
    {
        await using var host = await ApiHost.StartAsync();
        var (_, document) = await host.GetAsync("/openapi.json");
        var described = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => $"{operation.Key.ToUpperInvariant()} {path.Key}")).Order();
        var mapped = host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}")).Order();
        Assert.Equal(mapped, described);
        Assert.All(document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()), operation =>
        {
            Assert.NotNull(operation.Value!["operationId"]);
            Assert.NotNull(operation.Value["responses"]!["default"]!["content"]!["application/problem+json"]);
        });
        Assert.Equal(document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).Select(operation => (string?)operation.Value!["operationId"]).Distinct().Count(), mapped.Count());
    }

    [Fact]
    public async Task Every_reference_leads_somewhere_and_every_json_answer_has_a_schema()
    {
        await using var host = await ApiHost.StartAsync();
        var (_, document) = await host.GetAsync("/openapi.json");
        var schemas = new SchemaCheck(document);
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                schemas.CheckReferences(operation!, $"{method} {path}");
                foreach (var response in operation!["responses"]!.AsObject().Where(response => response.Key.StartsWith('2') && !path.EndsWith("openapi.json", StringComparison.Ordinal)))
                {
                    if (response.Value!["content"]?["application/json"] is { } content)
                        Assert.NotEmpty(content["schema"]!.AsObject());
                }
            }
        }
    }

    [Fact]
    public async Task No_schema_says_that_anything_goes()
    {
        await using var host = await ApiHost.StartAsync();
        var (_, document) = await host.GetAsync("/openapi.json");
        var open = document["components"]!["schemas"]!.AsObject()
            .SelectMany(schema => (schema.Value!["properties"] as JsonObject ?? []).Where(property => property.Value is not JsonObject { Count: > 0 }).Select(property => $"{schema.Key}.{property.Key}"));
        Assert.Equal(["Operation.result"], open);
    }

    [Theory]
    [InlineData("GET", "/health", "/health", null)]
    [InlineData("GET", "/backends", "/backends", null)]
    [InlineData("GET", "/backends/{backend}", "/backends/local", null)]
    [InlineData("GET", "/backends/{backend}/health", "/backends/local/health", null)]
    [InlineData("GET", "/backends/{backend}/capabilities/{capability}", "/backends/local/capabilities/tpm", null)]
    [InlineData("GET", "/instances", "/instances", null)]
    [InlineData("GET", "/instances/{backend}/{id}", "/instances/local/web", null)]
    [InlineData("POST", "/instances/{backend}/{id}/start", "/instances/local/web/start", null)]
    [InlineData("POST", "/instances/{backend}/{id}/plan", "/instances/local/web/plan", """{"name":"other","labels":{"a":null}}""")]
    [InlineData("POST", "/instances/{backend}/{id}/commands", "/instances/local/web/commands", """{"command":["ls"]}""")]
    [InlineData("GET", "/instances/{backend}/{id}/snapshots", "/instances/local/web/snapshots", null)]
    [InlineData("GET", "/instances/{backend}/{id}/metrics", "/instances/local/web/metrics", null)]
    [InlineData("GET", "/instances/{backend}/{id}/guest", "/instances/local/web/guest", null)]
    [InlineData("GET", "/instances/{backend}/{id}/native", "/instances/local/web/native", null)]
    [InlineData("POST", "/instances/{backend}/{id}/graphics", "/instances/local/web/graphics", null)]
    [InlineData("GET", "/nodes", "/nodes", null)]
    [InlineData("GET", "/nodes/metrics", "/nodes/metrics", null)]
    [InlineData("GET", "/networks", "/networks", null)]
    [InlineData("GET", "/images", "/images", null)]
    [InlineData("GET", "/storage/pools", "/storage/pools", null)]
    [InlineData("GET", "/storage/{backend}/pools/{pool}/volumes", "/storage/local/pools/main/volumes", null)]
    [InlineData("POST", "/storage/{backend}/pools/{pool}/volumes", "/storage/local/pools/main/volumes", """{"name":"a","size":1}""")]
    public async Task Real_answers_are_what_the_description_says(string method, string route, string path, string? body)
    {
        await using var host = await ApiHost.StartAsync();
        host.Backend.Add("web", PowerState.Running);
        await host.PostAsync("/instances/local/web/snapshots", """{"name":"s"}""", ("Prefer", "wait=5"));
        await host.PostAsync("/storage/local/pools/main/volumes", """{"name":"first","size":4096}""", ("Prefer", "wait=5"));
        var (_, document) = await host.GetAsync("/openapi.json");
        var (response, answer) = await host.SendAsync(new HttpMethod(method), path, body);
        Assert.True(response.IsSuccessStatusCode, answer.ToJsonString());
        var described = document["paths"]!["/api/v1" + route]![method.ToLowerInvariant()]!["responses"]![((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture)]!;
        new SchemaCheck(document).Check(described["content"]!["application/json"]!["schema"]!, answer, "$");
    }

    [Fact]
    public async Task Problems_are_what_the_description_says()
    {
        await using var host = await ApiHost.StartAsync();
        var (_, document) = await host.GetAsync("/openapi.json");
        var schema = document["components"]!["schemas"]!["Problem"]!;
        foreach (string path in new[] { "/instances/local/nonesuch", "/instances?limit=x", "/instances/nonesuch/a" })
            new SchemaCheck(document).Check(schema, (await host.GetAsync(path)).Body, "$");
    }

    [Fact]
    public async Task The_description_of_a_request_accepts_a_real_one_and_refuses_a_wrong_one()
    {
        await using var host = await ApiHost.StartAsync();
        var (_, document) = await host.GetAsync("/openapi.json");
        var schema = document["paths"]!["/api/v1/instances/{backend}"]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!;
        var good = JsonNode.Parse("""{"kind":"virtualMachine","name":"web","sizing":{"kind":"explicit","cpus":2,"memory":"256MiB"},"disks":[{"content":{"kind":"blank","size":1073741824}}]}""")!;
        new SchemaCheck(document).Check(schema, good, "$");
        good["sizing"]!["cpus"] = "two";
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => new SchemaCheck(document).Check(schema, good, "$"));
    }
}
