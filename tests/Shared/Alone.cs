namespace PageFold.Testing;

/// <summary>A collection for tests that measure allocations of the whole process: no other test runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";

    private Alone()
    {
    }
}
