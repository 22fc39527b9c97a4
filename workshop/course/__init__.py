"""The course: steps, checks of the learner's work, hints, progress, and safe resets."""
