namespace PageFold.Tests;

/// <summary>For tests of what the whole process does, such as collecting: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";

    private Alone()
    {
    }
}
