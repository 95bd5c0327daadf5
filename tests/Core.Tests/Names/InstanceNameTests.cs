using Hypervisor.Sdk.Tests.Fakes;

namespace Hypervisor.Sdk.Tests.Names;

public sealed class InstanceNameTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Feature("CMP-11")]
    public async Task A_name_is_made_up_that_the_backend_accepts_and_nobody_has()
    {
        var backend = new FakeBackend();
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 200; i++)
        {
            string name = (await backend.NextInstanceNameAsync(cancellationToken: Token)).ToString();
            Assert.Matches("^[a-z]+-[a-z]+$", name);
            Assert.True(backend.Info.Naming.Accepts(name, out _), name);
            Assert.True(names.Add(name), $"{name} was given twice.");
            backend.Put(FakeBackend.Machine($"m{i}", name: name));
        }
    }

    [Theory]
    [InlineData("web-{number}", "web-3")]
    [InlineData("web-{number:3}", "web-001")]
    [InlineData("{number}", "1")]
    [InlineData("DB{number:2}", "db02")]
    [Feature("CMP-11")]
    public async Task A_pattern_of_ones_own_counts_to_the_first_free_number_by_the_backends_rules_of_equality(string pattern, string expected)
    {
        var backend = new FakeBackend();
        foreach (string taken in new[] { "web-1", "WEB-2", "db01", "other" })
            backend.Put(FakeBackend.Machine(taken, name: taken));
        var parsed = InstanceNamePattern.Parse(pattern.ToLowerInvariant());
        Assert.Equal(expected, (await backend.NextInstanceNameAsync(parsed, Token)).ToString());
    }

    [Theory]
    [InlineData("job-{random}", "^job-[a-z0-9]{6}$")]
    [InlineData("{random:32}", "^[a-z0-9]{32}$")]
    [InlineData("{noun}{number:9}", "^[a-z]+000000001$")]
    [InlineData("fixed", "^fixed$")]
    public async Task Places_in_braces_are_filled(string pattern, string expected) => Assert.Matches(expected, (await new FakeBackend().NextInstanceNameAsync(InstanceNamePattern.Parse(pattern), Token)).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("web-{}")]
    [InlineData("web-{verb}")]
    [InlineData("{number:0}")]
    [InlineData("{number:10}")]
    [InlineData("{number:-1}")]
    [InlineData("{random:33}")]
    [InlineData("{random:1:2}")]
    [InlineData("{noun:2}")]
    [InlineData("{ noun}")]
    [InlineData("{noun")]
    [InlineData("{{noun}}")]
    [InlineData("noun}")]
    public void What_is_no_pattern_is_refused_with_what_is_wrong(string text)
    {
        Assert.False(InstanceNamePattern.TryParse(text, out _));
        Assert.Contains(text.Length == 0 ? "characters" : "brace", Assert.Throws<FormatException>(() => InstanceNamePattern.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_is_too_long_is_refused_without_all_of_it_in_the_message() =>
        Assert.InRange(Assert.Throws<FormatException>(() => InstanceNamePattern.Parse(new string('a', 256))).Message.Length, 1, 200);

    [Theory]
    [InlineData("-rf{number}")]
    [InlineData("Web {number}")]
    [InlineData("$(id){random}")]
    [InlineData("../{noun}")]
    public async Task A_pattern_that_the_backend_would_not_accept_says_so_by_field(string pattern)
    {
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => new FakeBackend().NextInstanceNameAsync(InstanceNamePattern.Parse(pattern), Token));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
        Assert.Contains("pattern", refused.FieldErrors!.Keys);
    }

    [Fact]
    public async Task A_fixed_name_that_is_taken_is_exhausted()
    {
        var backend = new FakeBackend();
        backend.Put(FakeBackend.Machine("a", name: "Web"));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.NextInstanceNameAsync(InstanceNamePattern.Parse("web"), Token));
        Assert.Equal(ErrorCode.Exhausted, refused.Code);
    }
}
