using Xunit.v3;

namespace Hypervisor.Sdk.Testing;

/// <summary>
/// Says that this test proves the sentence of one row of docs/features.md. The page is generated from the results of the tests that ran:
/// a row is "proven" when every test that carries its id passed, and there is no other way to mark a row.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class FeatureAttribute(string id) : Attribute, ITraitAttribute
{
    /// <summary>The id of the row, for example <c>HOT-03</c>.</summary>
    public string Id { get; } = id;

    /// <inheritdoc />
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Feature", Id)];
}
