namespace PageFold.Nbd.Tests;

/// <summary>For tests that measure what the whole process allocates: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";

    private Alone()
    {
    }
}
