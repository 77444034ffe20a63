using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(PageFold.Cli.Tests.LongestFirst))]

namespace PageFold.Cli.Tests;

/// <summary>Starts the test that takes longest first, so that it does not run alone in the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => IsLongest(collection) ? 0 : 1)];

    private static bool IsLongest(ITestCollection collection) =>
        collection.TestCollectionDisplayName.Contains(nameof(AotTests), StringComparison.Ordinal);
}
