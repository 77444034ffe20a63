// A fault that is on for one test is on for all.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
