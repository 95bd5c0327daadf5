using Hypervisor.Sdk.Conformance.LifeCycle;

namespace Hypervisor.Sdk.Conformance.Tests;

public sealed class LifeCycleTableTests
{
    private static readonly string[] s_words = [.. LifeCycleTable.States, LifeCycleTable.Stays, LifeCycleTable.Refused, LifeCycleTable.Gone];

    [Fact]
    public void Every_operation_has_a_cell_for_every_state_and_every_cell_a_known_word()
    {
        Assert.Equal(Enum.GetValues<LifeCycleOperation>(), LifeCycleTable.Rows.Select(row => row.Operation));
        foreach (var row in LifeCycleTable.Rows)
        {
            Assert.Equal(LifeCycleTable.States.Count, row.Cells.Count);
            Assert.All(LifeCycleTable.States.SelectMany(state => LifeCycleTable.Cell(row, state)), word => Assert.Contains(word, s_words));
        }
    }

    [Fact]
    public void The_page_has_the_table_that_the_checks_walk() =>
        Assert.Contains(LifeCycleTable.ToMarkdown(), File.ReadAllText(Repository.PathOf("docs", "life-cycle.md")).ReplaceLineEndings("\n"), StringComparison.Ordinal);
}
