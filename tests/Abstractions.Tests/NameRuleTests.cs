namespace Hypervisor.Sdk.Abstractions.Tests;

public sealed class NameRuleTests
{
    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("-rf")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("\u202Eexe.txt")]
    [InlineData("web\u200F1")]
    [InlineData("web\u20281")]
    [InlineData(" web")]
    [InlineData("web ")]
    public void A_name_that_could_be_taken_for_something_else_is_refused(string name)
    {
        Assert.False(InstanceName.TryParse(name, null, out _));
        Assert.False(SnapshotName.TryParse(name, null, out _));
        Assert.False(PoolName.TryParse(name, null, out _));
        Assert.False(DeviceId.TryParse(name, null, out _));
    }

    [Fact]
    public void A_name_of_300_characters_is_refused() => Assert.False(InstanceName.TryParse(new string('a', 300), null, out _));

    [Theory]
    [InlineData("web1", null)]
    [InlineData("", "empty")]
    [InlineData("-web", "begins with")]
    [InlineData("web,1", "contains a character")]
    [InlineData("$(id)", "begins with")]
    [InlineData("Web", "begins with")]
    public void Naming_rules_say_what_is_wrong(string name, string? problem)
    {
        var rules = new NamingRules();
        Assert.Equal(problem is null, rules.Accepts(name, out string? said));
        if (problem is not null)
            Assert.Contains(problem, said, StringComparison.Ordinal);
    }

    [Fact]
    public void Naming_rules_are_the_backends_own()
    {
        var rules = new NamingRules { MaxLength = 3, AllowedCharacters = "A-Z_a-c-", AllowedFirstCharacters = "_" };
        Assert.True(rules.Accepts("_A-", out _));
        Assert.False(rules.Accepts("_d", out _));
        Assert.False(rules.Accepts("_ABC", out string? problem));
        Assert.Contains("longer than 3", problem, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new NamingRules { AllowedCharacters = "z-a" });
    }
}
